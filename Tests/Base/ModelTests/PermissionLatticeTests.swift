import Model
import Testing

@Suite struct PermissionLatticeTests {
  private func agent(_ id: AgentID, parent: AgentID? = nil, _ change: (inout Manifest) -> Void = { _ in }) -> Manifest {
    var manifest = Manifest(id: id, name: id.rawValue, runtime: .init(driver: .process, entry: "x"), parent: parent)
    change(&manifest)
    return manifest
  }

  private func excess(_ child: (inout Manifest) -> Void, over parent: (inout Manifest) -> Void) -> [String] {
    PermissionLattice.excess(of: agent("child", child), over: agent("parent", parent)).map(\.text)
  }

  @Test(arguments: [
    ("fan", "fan", true), ("fan", "*", true), ("fan", "f*", true), ("f*", "f*", true), ("f*n", "f*", true),
    ("*", "*", true),
    ("fan", "fans", false), ("*", "f*", false), ("f*", "fan", false), ("*n", "f*", false), ("", "*", true),
    ("*", "", false),
    ("a*c*e", "a*e", true), ("a*e", "a*c*e", false),
  ])
  func aPatternIncludesWhatEveryNameOfAnotherMatches(_ pattern: String, _ wider: String, _ isIncluded: Bool) {
    #expect(EventPattern(wider).includes(EventPattern(pattern)) == isIncluded)
  }

  /// Whatever a pattern includes, each name that the other one matches is matched by it, too.
  @Test func inclusionIsNeverWrong() {
    let letters = ["", "a", "b", "*"]
    var patterns: [String] = []
    for a in letters { for b in letters { for c in letters { for d in letters { patterns.append(a + b + c + d) } } } }
    let names = ["", "a", "b", "ab", "ba", "aa", "bb", "aab", "aba", "baa", "abab", "bbaa", "aaaa"]
    for wide in patterns {
      for narrow in patterns where EventPattern(wide).includes(EventPattern(narrow)) {
        for name in names where EventPattern(narrow).matches(name) {
          #expect(EventPattern(wide).matches(name), "\(wide) includes \(narrow) but not \(name)")
        }
      }
    }
  }

  @Test func aChildMayDoLess() {
    #expect(
      excess {
        $0.permissions = Permissions(
          sensors: [EventPattern("t*")], actuators: [EventPattern("fan")], paths: ["/data/a"])
        $0.budget.tokens = TokenLimits([TokenLimit(Rate(count: 10, per: .seconds(60)))])
      } over: {
        $0.permissions = Permissions(
          sensors: [EventPattern("*")], actuators: [EventPattern("fan"), EventPattern("lamp")], model: true,
          paths: ["/data/"], hosts: ["example.org"])
        $0.budget.tokens = TokenLimits([TokenLimit(Rate(count: 1000, per: .seconds(3600)))])
      } == [])
  }

  @Test func everythingMoreIsNamed() {
    let found = excess {
      $0.permissions = Permissions(
        sensors: [EventPattern("*")], actuators: [EventPattern("pump")], cameras: [EventPattern("cam")],
        emit: [EventPattern("x:*")], model: true, paths: ["/database", "/data/../etc", "/data/../\u{301}etc", "sub"],
        hosts: ["example.org"],
        data: 2)
      $0.budget.tokens = TokenLimits([TokenLimit(Rate(count: 10, per: .seconds(1)))])
      $0.file = "/elsewhere/agent.json"
    } over: {
      $0.permissions = Permissions(
        sensors: [EventPattern("t")], emit: [EventPattern("x:y")], paths: ["/data", "sub"], data: 1)
      $0.budget.tokens = TokenLimits([TokenLimit(Rate(count: 10, per: .seconds(2)))])
      $0.file = "/here/agent.json"
    }
    #expect(
      found == [
        "sensor '*'", "actuator 'pump'", "camera 'cam'", "emitting 'x:*'", "a model", "host 'example.org'",
        "a folder of 2 B, more than 1 B",
        "path '/database'", "path '/data/../etc'", "path '/data/../\u{301}etc'",
        "path '/elsewhere/sub'",
        "10 tokens in 1s, more than 10 tokens in 2s",
      ])
  }

  @Test(arguments: [
    ("*.example.org", "a.example.org", true), ("*.example.org", "*.b.example.org", true),
    ("*.example.org", "example.org", false), ("*.example.org", "a.example.org:443", true),
    ("*.example.org", "a.example.org:8080", false), ("*.example.org:8080", "a.example.org:8080", true),
    ("*.example.org:443", "a.example.org", false), ("API.Example.org", "api.example.ORG", true),
    ("a.example.org", "*.example.org", false), ("*.example.org", "badexample.org", false),
    ("[fd00::1]:80", "[fd00::1]:80", true), ("[fd00::1]", "[fd00::1]:443", true), ("[fd00::1]", "[fd00::2]", false),
    ("192.0.2.1:80", "192.0.2.1", false), ("192.0.2.1", "192.0.2.1:80", true),
  ]) func hostsAreComparedByTheirMeaning(had: String, asked: String, isLess: Bool) {
    let found = excess {
      $0.permissions.hosts = [asked]
    } over: {
      $0.permissions.hosts = [had]
    }
    #expect(found.isEmpty == isLess, "\(found)")
  }

  @Test func aProgramElsewhereIsAPathLikeAnyOther() {
    func asked(_ entry: String, _ paths: [String] = []) -> [String] {
      excess {
        $0.runtime = .init(driver: .process, entry: entry)
        $0.file = "/here/child/agent.json"
      } over: {
        $0.permissions.paths = paths
        $0.file = "/here/agent.json"
      }
    }
    for entry in ["run.py", "bin/run.py", "/here/child/x", "/usr/bin/python3", "/here/other/x"] {
      #expect(asked(entry).isEmpty, "\(entry)")
    }
    #expect(asked("/elsewhere/run.py") == ["the folder of its program '/elsewhere/run.py'"])
    #expect(asked("../../etc/run.py").count == 1)
    #expect(asked("/elsewhere/run.py", ["/elsewhere"]).isEmpty)
  }

  @Test func linksAreFollowed() {
    let parent = agent("parent") { $0.permissions.paths = ["/srv"] }
    let child = agent("child") { $0.permissions.paths = ["/srv/link"] }
    let found = PermissionLattice.excess(of: child, over: parent) { $0 == "/srv/link" ? "/etc" : $0 }
    #expect(found.map(\.text) == ["path '/srv/link'"])
  }

  @Test func aTreeHasThreeLevelsBelowItsTop() {
    var known: [AgentID: Manifest] = [:]
    for (id, parent) in [("a", nil), ("b", "a"), ("c", "b"), ("d", "c"), ("e", "d")] as [(AgentID, AgentID?)] {
      known[id] = agent(id, parent: parent)
    }
    func reasons(_ id: AgentID) -> [PermissionLattice.Excess.Reason] {
      PermissionLattice.excess(of: known[id]!) { known[$0] }.map(\.reason)
    }
    #expect(["a", "b", "c", "d"].allSatisfy { reasons($0) == [] })
    #expect(reasons("e") == [.depth])
    // A cycle has no top, and is reported as such.
    known["a"]?.parent = "d"
    #expect(["a", "b", "c", "d"].allSatisfy { reasons($0) == [] })
    // An unknown parent limits nothing.
    #expect(PermissionLattice.excess(of: agent("x", parent: "nobody") { $0.permissions = .all }) { known[$0] } == [])
  }
}
