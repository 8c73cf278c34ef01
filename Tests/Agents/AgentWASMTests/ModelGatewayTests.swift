import Agent
import Linux
import Model
import Testing

@testable import AgentWASM

/// A gateway that answers when the test calls `answer`.
final class SlowGateway: ModelGateway {
  private(set) var asked: [ModelRequest] = []
  private(set) var cancelled = 0
  private var waiting: [CompletionID: (Result<ModelAnswer, AgentError>, Cause?) -> Void] = [:]
  private var last: UInt64 = 0
  var isQuick = false

  var pending: Int { waiting.count }

  func complete(
    _ request: ModelRequest, for caller: ModelCaller,
    _ done: @escaping (Result<ModelAnswer, AgentError>, Cause?) -> Void
  ) throws(AgentError) -> CompletionID {
    if request.messages.last?.text == "nonsense" { throw AgentError(.invalid, "that is no question") }
    asked.append(request)
    last += 1
    if isQuick { done(.success(ModelAnswer(text: "quick")), nil) } else { waiting[CompletionID(last)] = done }
    return CompletionID(last)
  }

  func cancel(_ completion: CompletionID) { if waiting.removeValue(forKey: completion) != nil { cancelled += 1 } }

  func answer(_ result: Result<ModelAnswer, AgentError>) {
    let all = waiting.values
    waiting = [:]
    for done in all { done(result, nil) }
  }
}

/// Guests that wait for a model's answer.
@Suite(.enabled(if: Workshop.isReady, "no engine or no clang: see the first line of output")) struct ModelGatewayTests {
  private static let asking = """
    HANDLE u32 handle(u32 e, u32 l) {
      complete(LIT("why?"), LIT("be short"), 20, P(&area));
      if ((u8)area.tag) { log_write(4, area.length, area.rest); return ok(); }
      log_write(6, area.pointer, area.length);
      return ok();
    }
    """

  private func bench(_ gateway: SlowGateway?, limits: GuestLimits = GuestLimits()) throws -> GuestBench {
    let bench = try GuestBench(limits: limits)
    bench.host.gateway = gateway
    bench.mayAsk = true
    return bench
  }

  @Test func guestSleepsUntilTheAnswer() throws {
    let gateway = SlowGateway()
    let bench = try bench(gateway)
    let instance = try bench.start(Self.asking, budget: Budget(activation: .milliseconds(50)))
    let other = try bench.start("HANDLE u32 handle(u32 e, u32 l) { return ok(); }")
    var end: Result<Void, AgentFailure>?
    instance.activate(GuestBench.event) { end = $0 }
    #expect(gateway.asked == [ModelRequest(prompt: "why?", system: "be short", maxTokens: 20)])
    // The guest does not run while it waits, and its own time does not advance.
    bench.clock.advance(by: .seconds(30))
    let turns = bench.loop.turns
    for _ in 0..<5 { bench.loop.turn(wait: false) }
    #expect(bench.loop.turns == turns + 5 && end == nil)
    #expect(bench.activate(other) == nil)
    gateway.answer(.success(ModelAnswer(text: "because", answerTokens: 7)))
    while end == nil { bench.loop.turn(wait: true) }
    #expect(end?.failure == nil && bench.host.log == ["info because"])
    // The wait is part of the total time, not of the run time.
    let cost = try #require(instance.lastCost)
    #expect(cost.totalTime == 30_000_000_000 && cost.runTime == 0)
    #expect(bench.activate(other) == nil)
  }

  @Test func refusalsAreImmediate() throws {
    let gateway = SlowGateway()
    gateway.isQuick = true
    let bench = try bench(gateway)
    #expect(try bench.failure(Self.asking) == nil)
    #expect(try bench.failure(Self.asking.split(separator: "why?").joined(separator: "nonsense")) == nil)
    bench.host.gateway = nil
    #expect(try bench.failure(Self.asking) == nil)
    #expect(bench.host.log == ["info quick", "warning that is no question", "warning no model gateway is configured"])
  }

  @Test func waitsHaveATimeLimit() throws {
    let gateway = SlowGateway()
    let bench = try bench(gateway)
    let instance = try bench.start(Self.asking)
    var end: Result<Void, AgentFailure>?
    instance.activate(GuestBench.event) { end = $0 }
    bench.clock.advance(by: .milliseconds(119_999))
    #expect(end == nil && gateway.pending == 1)
    bench.clock.advance(by: .milliseconds(1))
    while end == nil { bench.loop.turn(wait: true) }
    #expect(end?.failure == nil && gateway.pending == 0 && gateway.cancelled == 1)
    #expect(bench.host.log == ["warning no answer within 2m"])
    // No timer is left.
    #expect(bench.clock.waiting == 0)
  }

  @Test func stopCancelsAWait() throws {
    let gateway = SlowGateway()
    let bench = try bench(gateway)
    for now in [true, false] {
      let instance = try bench.start(Self.asking)
      var end: Result<Void, AgentFailure>?
      var isGone = false
      instance.activate(GuestBench.event) { end = $0 }
      instance.stop(now: now) { isGone = true }
      #expect(isGone == now && (end != nil) == now)
      if now {
        #expect(end?.failure == AgentFailure(.killed, "it was stopped"))
        #expect(gateway.pending == 0 && gateway.cancelled == 1)
      } else {
        gateway.answer(.success(ModelAnswer(text: "late")))
        while !isGone { bench.loop.turn(wait: true) }
        #expect(end?.failure == nil)
      }
    }
    #expect(bench.clock.waiting == 0)
    // An instance that is dropped while it waits is deallocated.
    weak var dropped: WASMInstance?
    do {
      let instance = try bench.start(Self.asking)
      dropped = instance
      instance.activate(GuestBench.event) { _ in }
    }
    if let dropped { dropped.stop(now: true) {} }
    #expect(dropped == nil && gateway.pending == 0 && bench.clock.waiting == 0)
  }

  @Test func oversizedAnswerEndsTheInstance() throws {
    let gateway = SlowGateway()
    let bench = try bench(gateway)
    let instance = try bench.start(Self.asking)
    var end: Result<Void, AgentFailure>?
    instance.activate(GuestBench.event) { end = $0 }
    gateway.answer(.success(ModelAnswer(text: String(repeating: "x", count: 60_000))))
    while end == nil { bench.loop.turn(wait: true) }
    #expect(end?.failure?.reason == .crash)
    #expect(end?.failure?.message.contains("cabi_realloc failed") == true)
  }

  @Test func thousandInstancesWait() throws {
    let gateway = SlowGateway()
    let bench = try bench(gateway)
    let module = try Workshop.build(Self.asking, in: bench.folder)
    var instances: [WASMInstance] = []
    var ends = 0
    for _ in 0..<1000 {
      let instance = try bench.start(module: module)
      instances.append(instance)
      instance.activate(GuestBench.event) { if $0.failure == nil { ends += 1 } }
    }
    #expect(gateway.pending == 1000 && ends == 0)
    gateway.answer(.success(ModelAnswer(text: "so")))
    while ends < 1000 { bench.loop.turn(wait: true) }
    #expect(bench.host.log.count == 1000)
    instances = []
    #expect(bench.clock.waiting == 0)
  }
}
