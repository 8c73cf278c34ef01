import Glibc
import Linux

/// The proxy of the agents' network, beside requests that do not go through it.
enum Network {
  static func report(proxy: String, checkout: String, scratch: String) throws {
    Report.section("The network of programs")
    let output = "\(scratch)/proxy-figures"
    let file = try System.open(output, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    let program = "\(checkout)/Benchmarks/proxy-figures"
    var plan = SpawnPlan("/usr/bin/python3", ["python3", program, proxy])
    plan.output = .descriptor(file.number)
    guard try Spawn.wait(for: try Spawn.start(plan)) == 0 else { throw SystemError("run", program, errno: ECHILD) }
    var figures: [Substring: [Double]] = [:]
    for line in String(decoding: try Files.read(output), as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 2, let figure = Double(words[1]) { figures[words[0], default: []].append(figure) }
    }
    guard let direct = figures["direct"], let proxied = figures["proxied"], let pss = figures["pss"]?.first else {
      throw SystemError("read", output, errno: ENODATA)
    }
    let (without, with) = (SampleDistribution(direct), SampleDistribution(proxied))
    Report.line("an HTTP request to a server on loopback", without.text("µs"))
    Report.line("the same through the proxy", with.text("µs"))
    let added = with.percentile(0.5) - without.percentile(0.5)
    Report.line("what the proxy adds, p50", "\(SampleDistribution.round(added)) µs")
    Report.line("the proxy: PSS", "\(SampleDistribution.round(pss / 1024)) MiB")
  }
}
