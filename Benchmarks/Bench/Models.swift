import Glibc
import Linux

/// The gateway to language models, beside curl(1) with the same server.
enum Models {
  static func report(gateway: String, checkout: String, scratch: String) throws {
    Report.section("Language models: an answer of 20 tokens from a server on loopback")
    let figures = try Script.figures(["\(checkout)/Benchmarks/model-figures", gateway], scratch: scratch)
    func distribution(_ name: Substring) throws -> SampleDistribution {
      guard let samples = figures[name] else { throw SystemError("read", "model-figures", errno: ENODATA) }
      return SampleDistribution(samples)
    }
    for (name, what) in [("first", "the first token"), ("total", "the whole answer")] as [(Substring, String)] {
      let (curl, gateway) = (try distribution("curl-\(name)"), try distribution("gateway-\(name)"))
      Report.line("\(what) with curl, connection kept", curl.text("µs"))
      Report.line("\(what) through the gateway", gateway.text("µs"))
      let added = gateway.percentile(0.5) - curl.percentile(0.5)
      Report.line("\(what): what the gateway adds, p50", "\(SampleDistribution.round(added)) µs")
    }
    Report.line(
      "the gateway: processor for a call",
      "\(SampleDistribution.round(try distribution("processor").percentile(0.5))) µs")
    Report.line("the gateway: start to the first token", try distribution("start").text("µs"))
    Report.line("the gateway: size", try fileSize(gateway))
    for (name, what) in [
      ("pss-connected", "before the first call"), ("pss-between", "between calls"), ("pss-during", "during a call"),
    ] as [(Substring, String)] {
      guard let pss = figures[name]?.first else {
        Report.line("the gateway: PSS \(what)", "only root may see it")
        continue
      }
      Report.line("the gateway: PSS \(what)", "\(SampleDistribution.round(pss / 1024)) MiB")
    }
  }
}
