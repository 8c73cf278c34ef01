import Glibc
import Linux

/// The proxy of the agents' network, beside requests that do not go through it.
enum Network {
  static func report(proxy: String, checkout: String, scratch: String) throws {
    Report.section("The network of programs")
    let figures = try Script.figures(["\(checkout)/Benchmarks/proxy-figures", proxy], scratch: scratch)
    guard let direct = figures["direct"], let proxied = figures["proxied"], let pss = figures["pss"]?.first else {
      throw SystemError("read", "proxy-figures", errno: ENODATA)
    }
    let (without, with) = (SampleDistribution(direct), SampleDistribution(proxied))
    Report.line("an HTTP request to a server on loopback", without.text("µs"))
    Report.line("the same through the proxy", with.text("µs"))
    let added = with.percentile(0.5) - without.percentile(0.5)
    Report.line("what the proxy adds, p50", "\(SampleDistribution.round(added)) µs")
    Report.line("the proxy: PSS", "\(SampleDistribution.round(pss / 1024)) MiB")
  }
}
