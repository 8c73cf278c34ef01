import ControlClient
import EventLoop
import Glibc
import Linux
import Model
import RPC
import Synchronization
import TestKit
import Testing
import Wire

@testable import Control

/// Tests the blocking client, on a thread of its own, with the server on the loop.
@Suite struct ClientTests {
  private func run<Result: Sendable>(
    _ harness: Harness, _ work: @escaping @Sendable (String) -> Result
  ) throws -> Result {
    let worker = Worker<Void>("client", on: harness.loop, idle: .zero) {}
    let path = harness.settings.socket
    var result: Result?
    worker.submit({ _ in work(path) }) { result = $0 }
    while result == nil { harness.loop.turn(wait: true) }
    return try #require(result)
  }

  @Test func aCallIsAnswered() throws {
    let outcome = try run(try Harness()) { path -> String in
      do throws(ClientError) {
        let client = try ControlClient(socket: path)
        let pong = try client.call("agent.ping")
        let version = try client.call("daemon.health")["version"]
        return "\(pong["pong"]?.bool == true) \(version?.string ?? "")"
      } catch {
        return error.description
      }
    }
    #expect(outcome == "true 9.9.9")
  }

  @Test func rateLimitedRequestsAreRetried() throws {
    let harness = try Harness()
    let other = try harness.connect()
    for _ in 0..<100 { _ = try other.call("agent.ping").get() }
    let worker = Worker<Void>("client", on: harness.loop, idle: .zero) {}
    let path = harness.settings.socket
    var outcome: String?
    worker.submit({ _ in
      do throws(ClientError) {
        return "\(try ControlClient(socket: path).call("agent.ping")["pong"]?.bool == true)"
      } catch {
        return error.description
      }
    }) { outcome = $0 }
    // Advance the clock only after the refusal.
    harness.turn { harness.server.status.requests > 100 || outcome != nil }
    #expect(outcome == nil)
    harness.clock.advance(by: .milliseconds(100))
    while outcome == nil { harness.loop.turn(wait: true) }
    #expect(outcome == "true")
  }

  @Test func searchedSocketsMustHaveATrustedOwner() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/control.sock"
    let listener = try UnixSocket.listen(path, mode: 0o600)
    let accounts = Accounts(passwd: "mallory:x:70001:1::/:/bin/sh\nme:x:\(geteuid()):1::/:/bin/sh\n", group: "")
    _ = try ControlClient(socket: path, trust: SocketTrust(users: [geteuid()], accounts: accounts))
    #expect(throws: ClientError.foreignSocket(path, user: "me")) {
      _ = try ControlClient(socket: path, trust: SocketTrust(users: [70_001], accounts: accounts))
    }
    // A named socket is used regardless of its owner.
    _ = try ControlClient(socket: path)
    // A foreign symbolic link, and a foreign listener on root's file. Only root can change the owner of a file.
    guard geteuid() == 0 else { return }
    let link = "\(folder.path)/link"
    #expect(unsafe symlink(path, link) == 0)
    let both = SocketTrust(users: [0], accounts: accounts)
    #expect(unsafe lchown(link, 70_001, 70_001) == 0)
    #expect(throws: ClientError.foreignSocket(link, user: "mallory")) {
      _ = try ControlClient(socket: link, trust: both)
    }
    // A foreign symbolic link among the folders of the path.
    let way = "\(folder.path)/way"
    #expect(unsafe symlink(folder.path, way) == 0)
    _ = try ControlClient(socket: "\(way)/control.sock", trust: both)
    #expect(unsafe lchown(way, 70_001, 70_001) == 0)
    #expect(throws: ClientError.foreignSocket("\(way)/control.sock", user: "mallory")) {
      _ = try ControlClient(socket: "\(way)/control.sock", trust: both)
    }
    // Root's link over a foreign one, and a foreign folder on the way.
    let over = "\(folder.path)/over"
    #expect(unsafe symlink("\(folder.path)/./way/", over) == 0)
    #expect(throws: ClientError.foreignSocket("\(over)/control.sock", user: "mallory")) {
      _ = try ControlClient(socket: "\(over)/control.sock", trust: both)
    }
    let inner = "\(folder.path)/inner"
    try Files.makeFolder(inner)
    #expect(unsafe symlink("../control.sock", "\(inner)/control.sock") == 0)
    _ = try ControlClient(socket: "\(inner)/control.sock", trust: both)
    #expect(unsafe chown(inner, 70_001, 70_001) == 0)
    #expect(throws: ClientError.foreignSocket("\(inner)/control.sock", user: "mallory")) {
      _ = try ControlClient(socket: "\(inner)/control.sock", trust: both)
    }
    // Without a socket there is nothing to mistrust.
    #expect(throws: ClientError.noSocket("\(inner)/none.sock")) {
      _ = try ControlClient(socket: "\(inner)/none.sock", trust: both)
    }
    #expect(unsafe chown(path, 70_001, 70_001) == 0)
    #expect(throws: ClientError.foreignDaemon(path, user: "me")) {
      _ = try ControlClient(socket: path, trust: SocketTrust(users: [70_001], accounts: accounts))
    }
    #expect(listener.number >= 0)
  }

  @Test func aPathTooLongForASocketIsReported() {
    let path = "/\(String(repeating: "a", count: 300))"
    let error = #expect(throws: ClientError.self) { _ = try ControlClient(socket: path) }
    #expect(error == .longName(path) && error?.description.contains("File name too long") == false)
  }

  @Test func anErrorOfTheServerKeepsItsCodeAndHint() throws {
    let error = try run(try Harness()) { path -> ClientError? in
      do throws(ClientError) {
        _ = try ControlClient(socket: path).call("agent.status", ["agent": "climat"])
        return nil
      } catch {
        return error
      }
    }
    guard case .refused(let refusal)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(refusal.known == .agentNotFound)
    #expect(error?.description.contains("did you mean 'climate'?") == true)
  }

  @Test func aSubscriptionContinuesUntilTheCallbackStopsIt() throws {
    let harness = try Harness()
    for index in 0..<5 { harness.events.publish("test:event", from: "system", ["n": .int(Int64(index))]) }
    let types = try run(harness) { path -> [String] in
      var seen: [String] = []
      do throws(ClientError) {
        let client = try ControlClient(socket: path)
        try client.subscribe("events.subscribe", ["last": 5]) { notification in
          seen.append("\(notification.method) \(notification.event?["n"]?.int ?? -1)")
          return seen.count < 3
        }
        // The connection is still usable.
        seen.append("\(try client.call("agent.ping")["pong"]?.bool == true)")
      } catch {
        seen.append(error.description)
      }
      return seen
    }
    #expect(types == ["events.event 0", "events.event 1", "events.event 2", "true"])
    #expect(harness.events.listening == 0)
  }

  @Test func aPictureComesWithItsContents() throws {
    let harness = try Harness()
    // The picture already exists, so the answer needs no change of the clock.
    harness.hardware.snapshot("cam0", as: .init(name: "test", permissions: .all)) { _ in }
    let isDone = Atomic(false)
    let worker = Worker<Void>("client", on: harness.loop, idle: .zero) {}
    let path = harness.settings.socket
    var picture: [UInt8]?
    worker.submit({ _ in
      (try? ControlClient(socket: path).callWithDescriptor("hal.snapshot", ["device": "cam0"]))?.contents ?? []
    }) {
      picture = $0
      isDone.store(true, ordering: .relaxed)
    }
    while !isDone.load(ordering: .relaxed) {
      harness.loop.turn(wait: false)
      harness.clock.advance(by: .milliseconds(10))
    }
    #expect(picture?.prefix(2) == [0xFF, 0xD8])
  }

  @Test func aMissingDaemonIsExplained() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/control.sock"
    #expect(throws: ClientError.noSocket(path)) { _ = try ControlClient(socket: path) }
    do { _ = try UnixSocket.listen(path, mode: 0o600) }
    #expect(throws: ClientError.nobodyListens(path)) { _ = try ControlClient(socket: path) }
    let file = "\(folder.path)/file"
    try Files.replace(file, with: [])
    #expect(throws: ClientError.notASocket(file)) { _ = try ControlClient(socket: file) }
    #expect(throws: ClientError.notASocket(folder.path)) { _ = try ControlClient(socket: folder.path) }
    for error in [
      ClientError.noSocket("/s"), .nobodyListens("/s"), .notAllowed("/s", group: "openstarry"),
      .notAllowed("/s", group: nil), .notASocket("/s"), .protocolMismatch("/s", "x"),
      .timedOut(method: "m", .seconds(1)), .closed(method: "m"), .busy("/s"), .foreignSocket("/s", user: "u"),
      .foreignDaemon("/s", user: "u"),
    ] {
      #expect(!error.description.contains("\n"))
      #expect(error.description.utf8.count > 20)
    }
  }

  @Test func aServerThatDoesNotSpeakTheProtocolIsDetected() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/control.sock"
    let listener = try UnixSocket.listen(path, mode: 0o600)
    for (reply, isExpected) in [
      ("HTTP/1.1 400 Bad Request\r\n", { if case .protocolMismatch? = $0 as ClientError? { true } else { false } }),
      ("", { if case .closed? = $0 as ClientError? { true } else { false } }),
    ] as [(String, (ClientError?) -> Bool)] {
      let client = try ControlClient(socket: path)
      do {
        guard let server = try UnixSocket.accept(listener.number) else {
          Issue.record("nobody connected")
          return
        }
        if !reply.isEmpty { _ = try UnixSocket.send(server.number, Array((reply + "\n").utf8)[...]) }
      }
      var failure: ClientError?
      do throws(ClientError) { _ = try client.call("agent.ping") } catch { failure = error }
      #expect(isExpected(failure), "\(String(describing: failure))")
    }
  }

  @Test func aMissingAnswerIsATimeout() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/control.sock"
    let listener = try UnixSocket.listen(path, mode: 0o600)
    let client = try ControlClient(socket: path, timeout: .milliseconds(1))
    #expect(throws: ClientError.timedOut(method: "agent.ping", .milliseconds(1))) { _ = try client.call("agent.ping") }
    #expect(listener.number >= 0)
  }
}
