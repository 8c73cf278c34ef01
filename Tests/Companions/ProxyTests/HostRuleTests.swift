import Proxy
import Testing

/// The entries of `network_allow_hosts`.
@Suite struct HostRuleTests {
  @Test(arguments: [
    "h", "api.example.org", "API.example.org", "api.example.org:8443", "*.example.org", "*.example.org:1",
    "a_b.example",
    "xn--bcher-kva.example", "192.168.1.20", "192.168.1.20:8080", "[fd00::1]", "[fd00::1]:80", "[::1]:65535",
    "3com.example",
  ]) func entries(_ text: String) { #expect(HostRule(Array(text.utf8)) != nil) }

  @Test(arguments: [
    "", "*", "*.", "*.*", "*example.org", "a.*.org", "a.example.", ".example.org", "a..b", "-a.example", "a-.example",
    "a:",
    "a:0", "a:65536", "a:080", "a:b", "a:1:2", "http://a", "a/b", "a b", "ä.example", "::1", "fd00::1", "[::1",
    "[::1]80",
    "[127.0.0.1]", "[a]", "[::ffff:127.0.0.1]", "127.1", "0x7f.1", "1.2.3.4.5", "2130706433", "a.0x1", "256.1.1.1",
    "a@b",
    "*.1.2.3.4", "*:80", "fe80::1%1", "a.example\u{0}", "a?",
  ]) func noEntries(_ text: String) { #expect(HostRule(Array(text.utf8)) == nil) }

  @Test func aLabelHas63BytesAndANameHas253() {
    #expect(HostRule([UInt8](repeating: 0x61, count: 63)) != nil)
    #expect(HostRule([UInt8](repeating: 0x61, count: 64)) == nil)
    let label = String(repeating: "a", count: 62) + "."
    let longest = String(repeating: label, count: 4)
    #expect(HostRule(Array("\(longest)a".utf8)) != nil)
    #expect(HostRule(Array("\(longest)aa".utf8)) == nil)
  }

  private func allow(_ entries: [String], _ destination: String, at address: String? = nil) throws -> Bool {
    let rules = try #require(HostRules(entries.map { Array($0.utf8) }))
    let destination = try #require(Destination(Array(destination.utf8)))
    guard let address else { return rules.allow(destination) }
    return rules.allow(destination, at: try #require(IPAddress(Array(address.utf8))))
  }

  @Test func aNameIsComparedWithoutCaseAndItsLastDot() throws {
    #expect(try allow(["API.example.org"], "api.EXAMPLE.org.:443"))
    #expect(try !allow(["api.example.org"], "xapi.example.org:443"))
    #expect(try !allow(["api.example.org"], "api.example.org.evil.example:443"))
    #expect(try !allow([], "api.example.org:443"))
  }

  @Test func withoutAPortItIs80And443() throws {
    for (port, isAllowed) in [(80, true), (443, true), (8080, false), (22, false)] {
      #expect(try allow(["a.example"], "a.example:\(port)") == isAllowed)
    }
    #expect(try allow(["a.example:8443"], "a.example:8443"))
    #expect(try !allow(["a.example:8443"], "a.example:443"))
  }

  @Test func aStarIsOneLabelOrMore() throws {
    for (name, isAllowed) in [
      ("a.example.org", true), ("a.b.example.org", true), ("example.org", false), ("xexample.org", false),
      ("example.org.evil.example", false),
    ] {
      #expect(try allow(["*.example.org"], "\(name):443") == isAllowed)
    }
  }

  @Test func anAddressIsNoName() throws {
    #expect(try allow(["192.0.2.1:8080"], "192.0.2.1:8080"))
    #expect(try allow(["[fd00::1]:80"], "[fd00:0::0:1]:80"))
    #expect(try !allow(["*.example.org", "a.example"], "8.8.8.8:443"))
  }

  @Test func aNameLeadsToPublicAddresses() throws {
    #expect(try allow(["a.example"], "a.example:443", at: "8.8.8.8"))
    #expect(try !allow(["b.example"], "a.example:443", at: "8.8.8.8"))
    for address in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:8.8.8.8", "fd00::1"] {
      #expect(try !allow(["a.example"], "a.example:443", at: address))
    }
  }

  @Test func otherAddressesHaveToBeListedThemselves() throws {
    #expect(try allow(["a.example", "10.0.0.1"], "a.example:443", at: "10.0.0.1"))
    #expect(try !allow(["a.example", "10.0.0.1:8080"], "a.example:443", at: "10.0.0.1"), "another port")
    #expect(try !allow(["10.0.0.1"], "a.example:443", at: "10.0.0.1"), "the name is not listed")
    #expect(try allow(["127.0.0.1:5"], "127.0.0.1:5", at: "127.0.0.1"))
  }
}
