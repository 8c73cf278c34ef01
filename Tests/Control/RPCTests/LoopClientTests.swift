import EventLoop
import Glibc
import Linux
import Model
import Testing
import Wire

@testable import RPC

/// A client at one end of a socket pair; the test is at the other.
private final class Line {
  let loop: EventLoop
  let clock = ManualClock()
  let client: LoopClient
  private var far: Descriptor?
  private var receiver = Receiver()
  var notifications: [Notification] = []
  var ends: [CallFailure?] = []

  init() throws {
    loop = try EventLoop()
    let (near, far) = try UnixSocket.pair()
    try System.setNonBlocking(near)
    try System.setNonBlocking(far)
    self.far = Descriptor(owning: far)
    client = try LoopClient(Descriptor(owning: near), on: loop, time: clock)
    client.onNotification = { [unowned self] in notifications.append($0) }
    client.onEnd = { [unowned self] in ends.append($0) }
  }

  func settle() { for _ in 0..<20 { loop.turn(wait: false) } }

  /// The next request from the client; nil for none.
  func request() throws -> Request? {
    settle()
    do throws(SystemError) {
      guard let line = try receiver.nextLine(from: number), case .request(let request) = try? Message(line)
      else { return nil }
      return request
    } catch {
      return nil
    }
  }

  private var number: Int32 { far?.number ?? -1 }

  func send(_ bytes: [UInt8]) throws {
    #expect(try UnixSocket.send(number, bytes[...]) == bytes.count)
    settle()
  }

  func send(_ bytes: [UInt8], with contents: [UInt8]) throws {
    let file = try MemoryFile.sealed("test", contents)
    #expect(try UnixSocket.send(number, bytes[...], with: file.number) == bytes.count)
    settle()
  }

  func answer(_ id: RequestID?, _ outcome: Result<Value, RPCError>) throws {
    try send(Response(id: id, outcome).encoded())
  }

  func hangUp() {
    far = nil
    settle()
  }

  /// Calls a method, and records the outcome.
  func call(_ method: String, within limit: Duration? = .seconds(60)) -> Outcome {
    let outcome = Outcome()
    client.call(method, within: limit) { outcome.all.append($0) }
    return outcome
  }

  final class Outcome {
    var all: [Result<Answer, CallFailure>] = []
    var only: Result<Answer, CallFailure>? { all.count == 1 ? all[0] : nil }
  }
}

@Suite struct LoopClientTests {
  @Test func answersReachTheirCallsInAnyOrder() throws {
    let line = try Line()
    let (first, second) = (line.call("a"), line.call("b"))
    let requests = [try line.request(), try line.request()]
    #expect(requests.map { $0?.method } == ["a", "b"])
    try line.answer(requests[1]?.id, .success(["n": 2]))
    #expect(first.all.isEmpty)
    #expect(second.only == .success(Answer(result: ["n": 2], contents: nil)))
    try line.answer(requests[0]?.id, .failure(RPCError(.overloaded, "busy")))
    #expect(first.only == .failure(.refused(RPCError(.overloaded, "busy"))))
    // A second answer is ignored.
    try line.answer(requests[0]?.id, .success([:]))
    #expect(first.all.count == 1 && line.ends.isEmpty)
  }

  @Test func aCallThatIsNotAnsweredTimesOutOnce() throws {
    let line = try Line()
    let outcome = line.call("slow", within: .seconds(2))
    let patient = line.call("patient", within: nil)
    let id = try line.request()?.id
    line.clock.advance(by: .milliseconds(1999))
    #expect(outcome.all.isEmpty)
    line.clock.advance(by: .milliseconds(1))
    #expect(outcome.only == .failure(.timedOut(method: "slow", .seconds(2))))
    try line.answer(id, .success([:]))
    line.clock.advance(by: .seconds(3600))
    #expect(outcome.all.count == 1 && patient.all.isEmpty)
    // The connection is still usable.
    let next = line.call("next")
    _ = try line.request()
    try line.answer(try line.request()?.id, .success(1))
    #expect(next.only == .success(Answer(result: 1, contents: nil)))
  }

  @Test func notificationsGoBothWays() throws {
    let line = try Line()
    #expect(line.client.notify("hello", ["a": 1]))
    #expect(try line.request() == Request(id: nil, method: "hello", params: ["a": 1]))
    try line.send(Request(id: nil, method: "events.event", params: ["subscription": 1]).encoded())
    #expect(line.notifications == [Notification(method: "events.event", params: ["subscription": 1], contents: nil)])
  }

  @Test func aFileArrivesWithTheMessageThatAnnouncesIt() throws {
    let line = try Line()
    let outcome = line.call("hal.snapshot", within: .seconds(1))
    let id = try line.request()?.id
    let frame = Request(id: nil, method: "camera.frame", params: ["descriptor": true]).encoded()
    try line.send(frame, with: [1, 2])
    try line.send(Response(id: id, .success(["descriptor": true])).encoded(), with: [3])
    #expect(line.notifications.first?.contents == [1, 2])
    #expect(outcome.only == .success(Answer(result: ["descriptor": true], contents: [3])))
    // The next answer does not get the file of a late one.
    let late = line.call("late", within: .seconds(1))
    let lateID = try line.request()?.id
    line.clock.advance(by: .seconds(1))
    try line.send(Response(id: lateID, .success(["descriptor": true])).encoded(), with: [4])
    try line.send(frame, with: [5])
    #expect(late.all.count == 1)
    #expect(line.notifications.last?.contents == [5])
  }

  @Test func theEndOfTheConnectionFailsEveryCallOnce() throws {
    let line = try Line()
    let outcomes = [line.call("a"), line.call("b", within: nil)]
    _ = try line.request()
    _ = try line.request()
    line.hangUp()
    #expect(outcomes.map(\.only) == [.failure(.closed(method: "a")), .failure(.closed(method: "b"))])
    #expect(line.ends == [nil] && !line.client.isOpen)
    let after = line.call("c")
    #expect(after.all.isEmpty, "nothing is called from within a call")
    line.settle()
    #expect(after.only == .failure(.closed(method: "c")))
    #expect(!line.client.notify("d") && line.ends.count == 1)
  }

  @Test func anErrorBeforeTheCloseIsTheReason() throws {
    let line = try Line()
    let outcome = line.call("a")
    let refusal = RPCError(.rateLimited, "idle", hint: "connect again")
    try line.answer(nil, .failure(refusal))
    #expect(outcome.all.isEmpty)
    line.hangUp()
    #expect(outcome.only == .failure(.refused(refusal)) && line.ends == [.refused(refusal)])
  }

  @Test func aMalformedMessageEndsTheConnection() throws {
    let line = try Line()
    let outcome = line.call("a")
    try line.send(Array("HTTP/1.1 400 Bad Request\n".utf8))
    guard case .failure(.mismatch) = try #require(outcome.only) else {
      Issue.record("\(outcome.all)")
      return
    }
    #expect(line.ends.count == 1 && !line.client.isOpen)
  }

  @Test func aClientThatIsClosedOrReleasedLeavesNothingBehind() throws {
    let line = try Line()
    let outcome = line.call("a")
    line.client.close()
    #expect(outcome.only == .failure(.closed(method: "a")) && line.ends.isEmpty)
    let loop = try EventLoop()
    let (near, far) = try UnixSocket.pair()
    let end = Descriptor(owning: far)
    try System.setNonBlocking(near)
    var client: LoopClient? = try LoopClient(Descriptor(owning: near), on: loop)
    client?.call("a") { _ in Issue.record("completed") }
    client = nil
    loop.turn(wait: false)
    var receiver = Receiver()
    #expect(try receiver.nextLine(from: end.number) == nil)
  }

  @Test func callsAreRefusedWhileTheOtherSideDoesNotRead() throws {
    let line = try Line()
    let text = Value.string(String(repeating: "x", count: 1 << 18))
    var refused = 0
    for _ in 0..<64 {
      line.client.call("big", ["text": text], within: nil) { outcome in
        if case .failure(.congested) = outcome { refused += 1 }
      }
      line.settle()
    }
    #expect((40..<64).contains(refused))
    // Once it reads, calls are accepted again.
    var silent = 0
    while silent < 10 { silent = try line.request() == nil ? silent + 1 : 0 }
    let outcome = line.call("small")
    let id = try line.request()?.id
    try line.answer(id, .success(true))
    #expect(outcome.only == .success(Answer(result: true, contents: nil)))
  }
}
