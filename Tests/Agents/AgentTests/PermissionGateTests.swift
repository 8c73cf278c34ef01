import Model
import Testing

@testable import Agent

@Suite struct PermissionGateTests {
  @Test func denyIsTheDefault() {
    let none = Permissions()
    #expect(!none.mayRead(sensor: "t"))
    #expect(!none.mayEmit(type: "a:b"))
    #expect(none.mayReadFile("/etc/passwd") { $0 } == nil)
  }

  @Test func namesAndWildcards() {
    let some = Permissions(
      sensors: [EventPattern("temp*")], emit: [EventPattern("climate:*"), EventPattern("sensor:*")])
    #expect(some.mayRead(sensor: "temperature"))
    #expect(!some.mayRead(sensor: "humidity"))
    #expect(some.mayEmit(type: "climate:hot"))
    #expect(!some.mayEmit(type: "climate"))
    #expect(!some.mayEmit(type: "climate:a b"))
  }

  @Test(arguments: EventPattern.builtInDomains)
  func builtInDomainsCannotBeEmitted(domain: String) {
    #expect(!Permissions.all.mayEmit(type: "\(domain):x"))
    #expect(Permissions.all.mayEmit(type: "\(domain)s:x"))
  }

  @Test func filesBelowGrantedFolders() {
    let some = Permissions(paths: ["/data", "/etc/hostname"])
    func may(_ path: String, _ resolve: (String) -> String? = { $0 }) -> String? {
      some.mayReadFile(path, resolve: resolve)
    }
    #expect(may("/data/a/b") == "/data/a/b")
    #expect(may("/data") == "/data")
    #expect(may("/etc/hostname") == "/etc/hostname")
    #expect(may("/database") == nil)
    #expect(may("/etc/hostname2") == nil)
    #expect(may("/etc") == nil)
    #expect(may("/data/../etc/passwd") == nil)
    #expect(may("data/a") == nil)
    #expect(may("/data/a\0/b") == nil)
  }

  @Test func linksAreResolvedBeforeTheDecision() {
    let some = Permissions(paths: ["/data", "/alias"])
    let links = ["/data/out": "/etc/passwd", "/data": "/data", "/alias": "/srv/real", "/alias/f": "/srv/real/f"]
    #expect(some.mayReadFile("/data/out") { links[$0] } == nil)
    #expect(some.mayReadFile("/alias/f") { links[$0] } == "/srv/real/f")
    #expect(some.mayReadFile("/data/none") { links[$0] } == nil)
  }

  @Test func refusalsNameTheList() {
    let refusal = AgentError.notGranted("climate", "read sensor", "co2", key: "sensors")
    #expect(refusal.code == .denied)
    #expect(
      refusal.message == "agent 'climate' may not read sensor 'co2': capabilities.permissions.sensors does not allow it"
    )
  }
}
