import Proxy
import Testing

/// The protocol between daemon and proxy as bytes.
@Suite struct MessageTests {
  private static let hosts = ["api.example.org", "*.example.org:8443", "[fd00::1]:80"].map { Array($0.utf8) }
  static let all: [ProxyMessage] = [
    .allow(id: 7, hosts: hosts), .allow(id: 1, hosts: []), .drop(id: 2), .serving(id: 3),
    .report(
      id: 4,
      ProxyReport(
        .unreachable, host: Array("a.example".utf8), port: 443, address: Array("192.0.2.1".utf8), errno: 111)),
    .report(id: 5, ProxyReport(.notUnderstood)), .more(id: 6, opened: 1 << 31, failed: 2),
  ]

  @Test(arguments: all.indices) func comesBackAsItWas(_ index: Int) {
    let message = Self.all[index]
    #expect(ProxyMessage(message.bytes) == message)
  }

  @Test(arguments: all.indices) func cutAnywhereItIsNoMessage(_ index: Int) {
    let bytes = Self.all[index].bytes
    for length in 0..<bytes.count { #expect(ProxyMessage(Array(bytes.prefix(length))) == nil) }
  }

  /// The proxy answers it, and allows nothing.
  @Test func whatIsNoHostIsAMessageWithoutRules() {
    let hosts = [Array("*".utf8)]
    #expect(ProxyMessage(ProxyMessage.allow(id: 1, hosts: hosts).bytes) == .allow(id: 1, hosts: hosts))
    #expect(HostRules(hosts) == nil)
  }

  @Test func damagedBytesNeverTrap() {
    var random = SystemRandomNumberGenerator()
    for message in Self.all {
      for _ in 0..<2000 {
        var bytes = message.bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
        }
        if let read = ProxyMessage(bytes) { #expect(ProxyMessage(read.bytes) == read) }
      }
    }
  }
}
