import Linux
import Model
import RPC
import Testing
import Wire

@testable import Control

@Suite struct RoleTests {
  private func rules(
    view: String? = nil, operate: String? = nil, admin: String? = nil
  ) throws -> RoleRules {
    let accounts = Accounts(
      passwd: "root:x:0:0::/root:/bin/sh\nalice:x:1000:100::/home/alice:/bin/sh\nbroken\n",
      group: "root:x:0:\nusers:x:100:\nboard:x:60:alice\nops:x:61:\nwheel:x:62:\n:::\n")
    return try RoleRules(
      Settings(board: "b", viewGroup: view, operateGroup: operate, adminGroup: admin), accounts, ownUser: 990,
      ownGroup: 60)
  }

  private func peer(_ uid: UInt32, _ groups: UInt32...) -> Peer { Peer(pid: 1, uid: uid, groups: groups) }

  @Test func rootAndTheDaemonsOwnUserAreAdmins() throws {
    let rules = try rules(view: "ops")
    #expect(rules.role(of: peer(0)) == .admin)
    #expect(rules.role(of: peer(990)) == .admin)
    #expect(rules.isTrusted(0) && rules.isTrusted(990) && !rules.isTrusted(1000))
  }

  @Test func withoutGroupsTheDaemonsGroupOperatesAndOthersView() throws {
    let rules = try rules()
    #expect(rules.role(of: peer(1000, 100, 60)) == .operate)
    #expect(rules.role(of: peer(1000, 100)) == .view)
  }

  @Test func namedGroupsDecide() throws {
    let rules = try rules(view: "users", operate: "ops", admin: "wheel")
    #expect(rules.role(of: peer(1000, 62)) == .admin)
    #expect(rules.role(of: peer(1000, 100, 61)) == .operate)
    #expect(rules.role(of: peer(1000, 100, 60)) == .view)
    #expect(rules.role(of: peer(1000, 60)) == nil)
  }

  @Test(arguments: [nil, "ops"] as [String?]) func viewersMayNotOperate(operate: String?) throws {
    // The view group owns the socket; that gives its members no higher role.
    let before = try rules(operate: operate)
    let after = try rules(view: "users", operate: operate)
    for groups in [[100], [60], [61], [100, 60], [100, 61], [62]] as [[UInt32]] {
      let peer = Peer(pid: 1, uid: 1000, groups: groups)
      #expect(after.role(of: peer) ?? .view <= before.role(of: peer) ?? .view, "\(groups)")
    }
    #expect(try rules(view: "users").role(of: peer(1000, 100)) == .view)
    #expect(try rules(view: "users").role(of: peer(1000, 100, 60)) == .operate)
  }

  @Test func aGroupThatDoesNotExistIsAnError() {
    #expect(throws: ControlError.noSuchGroup("opps", key: "groups.operate", suggestion: "ops")) {
      _ = try rules(operate: "opps")
    }
  }

  @Test func usersHaveNames() {
    let accounts = Accounts(passwd: "a:x:5:5\nb:x:5:5\n", group: "")
    #expect(accounts.user(5) == "a")
    #expect(accounts.user(6) == "uid6")
    #expect(accounts.number(ofUser: "b") == 5 && accounts.number(ofUser: "c") == nil)
  }

  @Test func everyMethodChecksTheRole() throws {
    let registry = ControlMethods.table
    for role in Role.allCases {
      let harness = try Harness(role: role)
      var client = try harness.connect()
      for (index, method) in registry.all.enumerated() where method.role > role {
        // Use a new connection before the rate limit is reached.
        if index % 40 == 39 { client = try harness.connect() }
        let refusal = try client.refusal(method.name)
        #expect(refusal?.known == .permissionDenied, "\(method.name) as \(role)")
        #expect(refusal?.data["required"] == .string(method.role.name))
      }
      #expect(harness.events.all.isEmpty)
    }
  }

  @Test func someParametersRequireAHigherRole() throws {
    let client = try Harness(role: .operate).connect()
    #expect(
      try client.refusal("spawnAgent", ["manifest": ["identity": ["id": "x"]]])?.known == .permissionDenied)
    #expect(try client.refusal("events.emit", ["type": "a:b", "priority": 0])?.known == .permissionDenied)
    #expect(
      try client.refusal("hal.control", ["device": "fan", "command": "on", "override": true])?.known
        == .permissionDenied)
  }

  @Test func aUserWithoutARoleIsRefused() throws {
    let harness = try Harness()
    harness.server.grant = { _, _ in nil }
    let client = try harness.connect()
    let answer = try client.next()
    #expect(answer?["error"].flatMap(RPCError.init)?.known == .permissionDenied)
    #expect(try client.next() == nil)
  }
}
