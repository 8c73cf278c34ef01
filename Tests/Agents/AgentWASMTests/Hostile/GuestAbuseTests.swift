import Agent
import Linux
import Model
import Testing

@testable import AgentWASM

/// Hostile guests: each is stopped with its reason, and the next instance runs normally.
@Suite(.enabled(if: Workshop.isReady, "no engine or no clang: see the first line of output")) struct GuestAbuseTests {
  private func small() -> GuestLimits {
    var limits = GuestLimits()
    limits.fuel = 5_000_000
    return limits
  }

  @Test func endlessLoopUsesUpItsFuel() throws {
    let bench = try GuestBench(limits: small())
    let handler = try bench.failure("HANDLE u32 handle(u32 e, u32 l) { for (volatile int i = 0;; i++) ; }")
    #expect(handler == AgentFailure(.instructions, "it used up the 5000000 instructions of one activation in 'handle'"))
    let start = try bench.failure(
      "START u32 start(void) { for (volatile int i = 0;; i++) ; } HANDLE u32 handle(u32 e, u32 l) { return ok(); }")
    #expect(start?.reason == .instructions)
    let allocator = try bench.failure(
      """
      HANDLE u32 handle(u32 e, u32 l) { sensor_read(LIT("temperature"), P(&area)); return ok(); }
      EXPORT("cabi_realloc") u32 cabi_realloc(u32 o, u32 s, u32 a, u32 n) {
        static int used; if (!used++) return P(heap); for (volatile int i = 0;; i++) ;
      }
      """)
    #expect(allocator?.reason == .crash)
    #expect(
      allocator?.message.contains("cabi_realloc failed: all fuel consumed") == true,
      "\(allocator?.message ?? "taken")")
    #expect(try bench.failure("HANDLE u32 handle(u32 e, u32 l) { return ok(); }") == nil)
  }

  @Test func timeBudgetReplacesTheInstructionLimit() throws {
    let bench = try GuestBench()
    let spin = "HANDLE u32 handle(u32 e, u32 l) { for (volatile int i = 0;; i++) ; }"
    let endless = try bench.failure(spin)
    #expect(
      endless
        == AgentFailure(
          .instructions,
          "it used up the 1000000000 instructions of one activation in 'handle'; with a budget.activation it has that "
            + "time instead"))
    // With a time budget the instruction limit does not apply: more instructions within two seconds succeed.
    let long = try bench.failure(
      "HANDLE u32 handle(u32 e, u32 l) { for (volatile int i = 0; i < 300000000; i++) ; return ok(); }",
      budget: Budget(activation: .seconds(2)))
    #expect(long == nil)
    let instance = try bench.start(spin, budget: Budget(activation: .seconds(2)))
    var end: Result<Void, AgentFailure>?
    instance.activate(GuestBench.event) { end = $0 }
    for _ in 0..<20 { bench.loop.turn(wait: false) }
    #expect(end == nil)
    bench.clock.advance(by: .seconds(2))
    while end == nil { bench.loop.turn(wait: true) }
    #expect(end?.failure == AgentFailure(.activation, "it took longer than 2s"))
    #expect(instance.lastCost?.ownTime == 2_000_000_000)
  }

  @Test func parentsMemoryBudgetIsShared() throws {
    let bench = try GuestBench()
    let grow = """
      HANDLE u32 handle(u32 e, u32 l) {
        u32 before = __builtin_wasm_memory_grow(0, 1);
        return before == 0xFFFFFFFF ? fail("no room", 7) : ok();
      }
      """
    let instance = try bench.start(grow)
    let start = bench.host.held
    #expect(start > 0 && start % 65536 == 0, "its memory counts from the start")
    bench.host.left = start + 65536
    #expect(bench.activate(instance) == nil)
    #expect(bench.host.held == start + 65536)
    #expect(bench.activate(instance) == AgentFailure(.error, "no room"))
    // Another child has freed memory.
    bench.host.left = start + 2 * 65536
    #expect(bench.activate(instance) == nil)
    // A limit below its current size does not shrink it.
    bench.host.left = 0
    #expect(bench.activate(instance) == AgentFailure(.error, "no room"))
    let leak = "HANDLE u32 handle(u32 e, u32 l) { while (__builtin_wasm_memory_grow(0, 1) != -1) ; __builtin_trap(); }"
    #expect(
      try bench.failure(leak)
        == AgentFailure(
          .memory, "it needs more than the 0 bytes of memory that budget.memory of its parent 'boss' leaves"))
    bench.host.left = 512 << 10
    #expect(
      try bench.failure(leak)
        == AgentFailure(
          .memory,
          "it used up the 524288 bytes of memory that budget.memory of its parent 'boss' leaves in 'handle'"))
    #expect(bench.host.held == 524_288)
  }

  @Test func bulkInstructionsCostByLength() throws {
    let bench = try GuestBench(limits: small())
    for body in [
      "__builtin_memset((void *)heap, i, 32768)", "__builtin_memmove((void *)(heap + 1), (void *)heap, 32768)",
    ] {
      let failure = try bench.failure("HANDLE u32 handle(u32 e, u32 l) { for (volatile int i = 0;; i++) \(body); }")
      #expect(failure?.reason == .instructions)
    }
  }

  @Test func timeBudgetEndsAWait() throws {
    let bench = try GuestBench()
    bench.host.onRead = { [clock = bench.clock] in clock.advance(by: .milliseconds(30)) }
    let failure = try bench.failure(
      "HANDLE u32 handle(u32 e, u32 l) { for (;;) { sensor_read(LIT(\"temperature\"), P(&area)); top = 0; } }",
      budget: Budget(activation: .milliseconds(50)))
    #expect(failure?.reason == .activation)
  }

  /// The engine does not measure time in host calls: many calls end a slice, too.
  @Test func callsOfTheHostYield() throws {
    let bench = try GuestBench()
    let instance = try bench.start(
      "HANDLE u32 handle(u32 e, u32 l) { for (int i = 0; i < 5000; i++) now(); return ok(); }")
    let before = bench.loop.turns
    #expect(bench.activate(instance) == nil)
    #expect((70...90).contains(bench.loop.turns - before))
  }

  @Test func stackOverflowIsStopped() throws {
    let bench = try GuestBench()
    let shadow = try bench.failure(
      """
      static int deep(int n) { volatile int room[64]; room[n & 63] = n; return deep(n + 1) + room[n & 63]; }
      HANDLE u32 handle(u32 e, u32 l) { return deep(1); }
      """)
    #expect(shadow?.reason == .crash)
    let real = try bench.failure(
      """
      static int (*volatile again)(int); static int deep(int n) { return again(n + 1) + n; }
      HANDLE u32 handle(u32 e, u32 l) { again = deep; return deep(1); }
      """)
    #expect(real?.reason == .crash)
    #expect(real?.message.contains("its stack is used up") == true)
  }

  @Test func memoryStopsAtItsLimit() throws {
    let bench = try GuestBench()
    let budget = Budget(memory: 1 << 20)
    let greedy =
      "HANDLE u32 handle(u32 e, u32 l) { while (__builtin_wasm_memory_grow(0, 1) != -1) ; __builtin_trap(); }"
    #expect(try bench.failure(greedy, budget: budget)?.reason == .memory)
    let modest =
      "HANDLE u32 handle(u32 e, u32 l) { return __builtin_wasm_memory_grow(0, 1000) == -1 ? ok() : fail(\"x\", 1); }"
    #expect(try bench.failure(modest, budget: budget) == nil)
    let large = try Workshop.build(
      "HANDLE u32 handle(u32 e, u32 l) { return ok(); }", in: bench.folder, memory: 2 << 20)
    let manifest = try bench.manifest(large, budget: budget)
    let refused = #expect(throws: AgentFailure.self) { try bench.driver.validate(manifest) }
    #expect(refused?.reason == .memory)
    #expect(refused?.message.contains("32 pages") == true)
  }

  @Test func otherAbuseOfImports() throws {
    var limits = GuestLimits()
    limits.calls = 500
    let bench = try GuestBench(limits: limits)
    func why(_ body: String) throws -> String {
      try bench.failure("HANDLE u32 handle(u32 e, u32 l) { \(body) return ok(); }")?.description ?? "taken"
    }
    #expect(try why("log_write(6, LIT(\"\\xFF\\xFE\"));") == "taken")
    #expect(try why("sensor_read(LIT(\"\\xC0\\x80\"), P(&area));").contains("not UTF-8"))
    #expect(try why("sensor_read(LIT(\"temperature\"), P(&area) + 1);").contains("not a multiple of 4"))
    #expect(try why("for (;;) emit(LIT(\"a:b\"), 0, 0, P(&area));").contains("more than 500 times"))
    #expect(try why("proc_exit(3);").contains("ended itself with code 3"))
    #expect(try why("__builtin_trap();").contains("unreachable"))
    #expect(try why("*(volatile int *)0x7FFFFFF0 = 1;").contains("out of bounds"))
    bench.host.log = []
    #expect(try why("for (int i = 0; i < 400; i++) log_write(6, LIT(\"noise\"));") == "taken")
    #expect(bench.host.log.count == 101)
    let back = try bench.failure(
      """
      HANDLE u32 handle(u32 e, u32 l) { sensor_read(LIT("temperature"), P(&area)); return ok(); }
      EXPORT("cabi_realloc") u32 cabi_realloc(u32 o, u32 s, u32 a, u32 n) {
        static int used; if (used++) sensor_read(LIT("temperature"), P(&area)); return P(heap);
      }
      """)
    #expect(back?.message.contains("from within cabi_realloc") == true)
    let outside = try bench.failure(
      """
      HANDLE u32 handle(u32 e, u32 l) { return ok(); }
      EXPORT("cabi_realloc") u32 cabi_realloc(u32 o, u32 s, u32 a, u32 n) { return 0xFFFFFFF0; }
      """)
    #expect(outside?.message.contains("outside its memory") == true)
    #expect(try why("return 0xFFFFFFFE;").contains("outside its memory"))
    #expect(
      try why("result.tag = 1; result.pointer = 0xFFFFFFFF; result.length = 2; return P(&result);").contains("outside"))
  }

  @Test func trapInSnapshotEndsTheInstance() throws {
    let bench = try GuestBench()
    let instance = try bench.start(
      "SNAPSHOT u32 snapshot(void) { __builtin_trap(); } HANDLE u32 handle(u32 e, u32 l) { return ok(); }")
    #expect(bench.activate(instance) == nil)
    #expect(bench.wait { instance.snapshot($0) } == .map([:]))
    guard let failure = bench.activate(instance) else { throw AgentFailure(.error, "went on") }
    #expect(failure.reason == .crash && failure.message.contains("snapshot"))
  }

  @Test func spinningGuestStopsImmediatelyAndOthersContinue() throws {
    let bench = try GuestBench()
    let spinning = try bench.start("HANDLE u32 handle(u32 e, u32 l) { for (volatile int i = 0;; i++) ; }")
    let other = try bench.start("HANDLE u32 handle(u32 e, u32 l) { return ok(); }")
    var ended: AgentFailure?
    spinning.activate(GuestBench.event) { ended = $0.failure }
    #expect(bench.activate(other) == nil)
    #expect(ended == nil)
    var isGone = false
    spinning.stop(now: true) { isGone = true }
    #expect(isGone && ended == AgentFailure(.killed, "it was stopped"))
    #expect(bench.activate(other) == nil)
  }

  @Test func guestCanBeStoppedDuringItsOwnCall() throws {
    let bench = try GuestBench()
    let instance = try bench.start(
      "HANDLE u32 handle(u32 e, u32 l) { sensor_read(LIT(\"temperature\"), P(&area)); for (;;) now(); }")
    var isGone = false
    bench.host.onRead = { [unowned instance] in instance.stop(now: true) { isGone = true } }
    let result = bench.activate(instance)
    #expect(isGone)
    let failure = try #require(result)
    #expect(failure.reason == .killed)
  }
}
