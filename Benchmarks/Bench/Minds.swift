import Glibc
import Linux

/// A mind in a sandbox, with a model that answers at once.
enum Minds {
  static func report(mind: String, checkout: String, scratch: String) throws {
    Report.section("Minds")
    let figures = try Script.figures(["\(checkout)/Benchmarks/mind-figures", mind], scratch: scratch)
    guard let starts = figures["start"], let turns = figures["turn"], let pss = figures["pss"]?.first,
      let dirty = figures["dirty"]?.first
    else { throw SystemError("read", "mind-figures", errno: ENODATA) }
    Report.line("start in a sandbox to the first request", SampleDistribution(starts).text("ms"), goal: "60 ms")
    Report.line("a turn with one tool call, without the model", SampleDistribution(turns).text("ms"))
    Report.line("mind: PSS", "\(SampleDistribution.round(pss / 1024)) MiB", goal: "12 MiB")
    let python = try Script.figures(["\(checkout)/Benchmarks/python-agent-figures"], scratch: scratch)
    guard let pythonStarts = python["start"], let pythonTurns = python["turn"], let pythonPSS = python["pss"]?.first
    else { throw SystemError("read", "python-agent-figures", errno: ENODATA) }
    Report.line(
      "beside it, an agent in Python on OpenAI's library: start to the first request",
      SampleDistribution(pythonStarts).text("ms"))
    Report.line("that agent: a turn with one tool call", SampleDistribution(pythonTurns).text("ms"))
    Report.line("that agent: PSS", "\(SampleDistribution.round(pythonPSS / 1024)) MiB")
    Report.line("mind: private dirty", "\(SampleDistribution.round(dirty / 1024)) MiB")
  }
}
