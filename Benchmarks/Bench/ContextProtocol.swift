import Glibc
import Linux

/// `openstarry mcp`: calls over stdio, a command through approval, and its memory.
enum ContextProtocol {
  static func report(programs: String, checkout: String, scratch: String) throws {
    Report.section("MCP over stdio")
    let figures = try Script.figures(["\(checkout)/Benchmarks/mcp-figures", programs], scratch: scratch)
    guard let starts = figures["start"], let envelope = figures["envelope"], let handshake = figures["handshake"],
      let pss = figures["pss"]?.first, let dirty = figures["dirty"]?.first, let threads = figures["threads"]?.first
    else { throw SystemError("read", "mcp-figures", errno: ENODATA) }
    Report.line("call of 'read', revision 2026-07-28", SampleDistribution(envelope).text("ms"), goal: "p50 1 ms")
    Report.line("call of 'read', revision 2025-11-25", SampleDistribution(handshake).text("ms"), goal: "p50 1 ms")
    Report.line(
      "a command through approval",
      figures["approval"].map { SampleDistribution($0).text("ms") } ?? "not measured: only root approves here")
    Report.line("start to the first answer", SampleDistribution(starts).text("ms"))
    Report.line("openstarry mcp: PSS", "\(SampleDistribution.round(pss / 1024)) MiB", goal: "6 MiB")
    Report.line("openstarry mcp: private dirty", "\(SampleDistribution.round(dirty / 1024)) MiB")
    Report.line("openstarry mcp: threads", "\(Int(threads))", goal: "1")
  }
}
