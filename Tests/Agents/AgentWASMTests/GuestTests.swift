import Agent
import Linux
import Model
import Testing

@testable import AgentWASM

/// Well-behaved guests.
@Suite(.enabled(if: Workshop.isReady, "no engine or no clang: see the first line of output")) struct GuestTests {
  @Test(arguments: [
    ("spin", "spin"), ("$e", "$e"), ("$s4trap4TrapV4boomyySiF", "trap.Trap.boom(Swift.Int)"),
    ("$e4trap4TrapV4boom33_27B9D6B5B14F3AA549EE8179DFBFFA2CLLyySiF", "trap.Trap.boom(Swift.Int)"), ("", ""),
  ])
  func swiftNamesAreDemangled(name: String, expected: String) {
    #expect(FunctionName.readable(name) == expected)
  }

  @Test func messagesOfTheEngineNameFunctionsByNumber() {
    #expect(
      FunctionName.removed(from: "failed: wasm[0]::function[32]::$es4repairF  Caused by:\n $s is not one, a::b neither")
        == "failed: wasm[0]::function[32]  Caused by:\n $s is not one, a::b neither")
  }

  @Test func guestReadsAndControls() throws {
    let bench = try GuestBench()
    let instance = try bench.start(
      """
      HANDLE u32 handle(u32 event, u32 length) {
        sensor_read(LIT("temperature"), P(&area));
        if ((u8)area.tag) return fail("no reading", 10);
        log_write(6, area.pointer, area.length);
        control(LIT("fan"), LIT("\\"on\\""), 2500, P(&area));
        if ((u8)area.tag) return fail("no fan", 6);
        log_write(6, area.pointer, area.length);
        control(LIT("valve"), LIT("{\\"level\\":0.5}"), 0, P(&area));
        if ((u8)area.tag != 1 || (u8)area.pointer != 0) return fail("not denied", 10);
        log_write(4, area.length, area.rest);
        emit(LIT("climate:cooled"), LIT("{\\"by\\":1}"), P(&area));
        camera(LIT("cam0"), P(&area));
        return area.length == 4 ? ok() : fail("no picture", 10);
      }
      """)
    #expect(bench.activate(instance) == nil)
    #expect(bench.host.commands == ["fan on 2.5 seconds"])
    #expect(bench.host.emitted == ["climate:cooled 1"])
    #expect(
      bench.host.log == [
        #"info {"value":31.5,"unit":"°C","time_ns":7,"time":7,"quality":"good"}"#,
        #"info {"id":"\#(ULID(high: 1, low: 2))","state":1.0,"previous":0.0,"at_ns":9,"at":9,"confirmed":true}"#,
        "warning not 'valve'",
      ])
    #expect(instance.lastCost?.hostCalls == 8)
    let cost = try #require(instance.lastCost)
    #expect(cost.fuel > 100 && cost.peakMemory == 131_072 && cost.hostTime <= cost.runTime)
  }

  @Test func aModuleMayChooseCBOR() throws {
    let bench = try GuestBench()
    bench.host.kept = ["old": ["a": 1]]
    let instance = try bench.start(
      """
      EXPORT("openstarry:agent/encoding@0.1.0#cbor") void uses_cbor(void) { __builtin_trap(); }
      static u8 first(u32 place) { return *(u8 *)place; }
      HANDLE u32 handle(u32 event, u32 length) {
        if (first(event) != 0xAB) return fail("no map of eleven", 16);
        sensor_read(LIT("temperature"), P(&area));
        if ((u8)area.tag || first(area.pointer) != 0xA4) return fail("no reading", 10);
        control(LIT("fan"), LIT("\\x62on"), 2500, P(&area));
        if ((u8)area.tag || first(area.pointer) != 0xA5) return fail("no receipt", 10);
        control(LIT("fan"), LIT("\\xA1\\x68pulse_ms\\x05"), 0, P(&area));
        control(LIT("fan"), LIT("\\"on\\""), 0, P(&area));
        if ((u8)area.tag != 1 || (u8)area.pointer != 5) return fail("JSON is taken", 13);
        log_write(6, area.length, area.rest);
        emit(LIT("climate:cooled"), LIT("\\xA1\\x62" "by" "\\x01"), P(&area));
        if ((u8)area.tag || area.length != 26) return fail("no id", 5);
        emit(LIT("climate:cooled"), 0, 0, P(&area));
        state_get(LIT("old"), P(&area));
        if ((u8)area.tag || area.length != 4 || first(area.pointer) != 0xA1) return fail("no state", 8);
        state_set(LIT("new"), area.pointer, area.length, P(&area));
        state_set(LIT("bytes"), LIT("\\x42\\xFF\\x00"), P(&area));
        return (u8)area.tag ? fail("not kept", 8) : ok();
      }
      static struct { u32 pointer, length; } told;
      SNAPSHOT u32 snapshot(void) { told.pointer = P("\\xA1\\x61n\\x03"); told.length = 4; return P(&told); }
      """)
    #expect(bench.activate(instance) == nil)
    #expect(bench.host.commands == ["fan on 2.5 seconds", "fan pulse 5ms default"])
    #expect(bench.host.log == ["info not CBOR: expected the end at byte 1"])
    #expect(bench.host.emitted == ["climate:cooled 1", "climate:cooled 0"])
    #expect(bench.host.kept == ["old": ["a": 1], "new": ["a": 1], "bytes": .bytes([0xFF, 0])])
    #expect(bench.wait { instance.snapshot($0) } == ["n": 3])
  }

  @Test func refusalHasARetryTimeAndTheGuestContinues() throws {
    let bench = try GuestBench()
    bench.host.retryAfter = .microseconds(24_999_001)
    let instance = try bench.start(
      """
      IMPORT("openstarry:agent/refusal@0.1.0", "retry-after") u64 retry_after(void);
      static u32 calls;
      HANDLE u32 handle(u32 event, u32 length) {
        if (calls++ == 1) { log_write(6, P("goes on"), 7); return ok(); }
        if (retry_after() != 0) return fail("too early", 9);
        control(LIT("valve"), LIT("\\"on\\""), 0, P(&area));
        if (retry_after() != 25000) return fail("wrong", 5);
        return fail((void *)area.length, area.rest);
      }
      """)
    // The host gets the refusal's own message.
    #expect(bench.activate(instance) == AgentFailure(.error, "not 'valve'"))
    #expect(bench.activate(instance) == nil)
    #expect(bench.host.log == ["info goes on"])
  }

  @Test func dataOfOneCallIsLimited() throws {
    let bench = try GuestBench()
    let instance = try bench.start(
      """
      static u8 text[6000]; static u32 vector[2];
      static u32 code(void) { return (u8)area.tag ? (u8)area.pointer : 99; }
      HANDLE u32 handle(u32 event, u32 length) {
        for (u32 i = 0; i < sizeof text; i++) text[i] = 'a';
        sensor_read(P(text), 129, P(&area));
        if (code() != 5) return fail("sensor", 6);
        control(P(text), 129, LIT("\\"on\\""), 0, P(&area));
        if (code() != 5) return fail("actuator", 8);
        control(LIT("fan"), P(text), 1025, 0, P(&area));
        if (code() != 5) return fail("command", 7);
        emit(P(text), 129, 0, 0, P(&area));
        if (code() != 5) return fail("event", 5);
        state_set(P(text), 129, LIT("1"), P(&area));
        if (code() != 5) return fail("key", 3);
        sensor_read(P(text), 128, P(&area));
        if (code() != 1) return fail("128", 3);
        if (random_get(P(text), 4097) != 28 || random_get(P(text), 4096) != 0) return fail("random", 6);
        for (u32 i = 0; i < sizeof text; i++) text[i] = i % 1000 ? 'a' : '\\n';
        vector[0] = P(text); vector[1] = sizeof text;
        u32 written = 0;
        if (fd_write(1, P(vector), 1, P(&written)) != 0 || written != 4096) return fail("output", 6);
        log_write(6, P(text), sizeof text);
        return ok();
      }
      """)
    #expect(bench.activate(instance) == nil)
    #expect(bench.host.commands.isEmpty && bench.host.emitted.isEmpty && bench.host.kept.isEmpty)
    // Both calls log 4,096 bytes: four whole lines and part of a fifth.
    #expect(bench.host.log.count == 10, "\(bench.host.log.map(\.utf8.count))")
  }

  /// The witness knows whose code runs, so that a crash can be attributed.
  @Test func witnessKnowsWhoseCodeRuns() throws {
    let watch = Watch()
    let bench = try GuestBench(witness: watch)
    let instance = try bench.start(
      """
      START u32 start(void) { return ok(); }
      HANDLE u32 handle(u32 event, u32 length) {
        for (u32 i = 0; i < 70; i++) sensor_read(LIT("door"), P(&area));
        return ok();
      }
      static struct { u32 pointer, length; } told;
      SNAPSHOT u32 snapshot(void) { told.pointer = P("{}"); told.length = 2; return P(&told); }
      """)
    bench.host.onRead = { watch.insideOfCalls = watch.isRunning }
    #expect(bench.activate(instance) == nil)
    _ = bench.wait { instance.snapshot($0) } as Value
    #expect(watch.calls == [.start, .activation, .snapshot])
    #expect(watch.events == ["sensor:temperature"] && watch.agents == ["guest"])
    #expect(watch.insideOfCalls && !watch.isRunning)
  }

  private final class Watch: CodeWitness {
    var calls: [CodeCall] = []
    var events: Set<String> = []
    var agents: Set<AgentID> = []
    var isRunning = false
    var insideOfCalls = false

    func begin(_ call: CodeCall, _ agent: AgentID, _ event: Event?) {
      #expect(!isRunning, "nested")
      isRunning = true
      if calls.last != call { calls.append(call) }
      if let event { events.insert(event.type) }
      agents.insert(agent)
    }

    func end() { isRunning = false }
  }

  @Test func guestReadsInputsAndPictures() throws {
    let bench = try GuestBench()
    let instance = try bench.start(
      """
      HANDLE u32 handle(u32 event, u32 length) {
        sensor_read(LIT("door"), P(&area));
        if ((u8)area.tag) return fail("no input", 8);
        log_write(6, area.pointer, area.length);
        frame(LIT("cam0"), 8, 6, P(&area));
        if ((u8)area.tag || area.length != 48 || ((u8 *)area.pointer)[47] != 47) return fail("no picture", 10);
        frame(LIT("cam0"), 640, 480, P(&area));
        if ((u8)area.tag != 1 || (u8)area.pointer != 3) return fail("not limited", 11);
        return ok();
      }
      """)
    #expect(bench.activate(instance) == nil)
    #expect(bench.host.log == [#"info {"value":1.0,"unit":"","time_ns":8,"time":8,"quality":"good"}"#])
  }

  private static let counter = """
    static int count; static char text[32]; static struct { u32 pointer, length; } told;
    START u32 start(void) { log_write(6, LIT("started")); return ok(); }
    HANDLE u32 handle(u32 event, u32 length) {
      count++; text[0] = '0' + count; log_write(6, P(text), 1);
      state_set(LIT("count"), P(text), 1, P(&area));
      state_get(LIT("none"), P(&area));
      if ((u8)area.tag != 1 || (u8)area.pointer != 1) return fail("found", 5);
      state_get(LIT("count"), P(&area));
      return (u8)area.tag == 0 && *(char *)area.pointer == text[0] ? ok() : fail("not kept", 8);
    }
    SNAPSHOT u32 snapshot(void) {
      text[0] = '{'; text[1] = '"'; text[2] = 'n'; text[3] = '"'; text[4] = ':'; text[5] = '0' + count; text[6] = '}';
      told.pointer = P(text); told.length = 7; return P(&told);
    }
    """

  @Test func warmInstanceKeepsItsMemoryAndFreshOneDoesNot() throws {
    let bench = try GuestBench()
    let warm = try bench.start(Self.counter)
    for _ in 0..<3 { #expect(bench.activate(warm) == nil) }
    #expect(bench.host.log == ["info started", "info 1", "info 2", "info 3"])
    #expect(bench.host.kept == ["count": 3])
    #expect(bench.wait { warm.snapshot($0) } == ["n": 3])
    bench.host.log = []
    let fresh = try bench.start(Self.counter, fresh: true)
    for _ in 0..<2 { #expect(bench.activate(fresh) == nil) }
    #expect(bench.host.log == ["info started", "info started", "info 1", "info started", "info 1"])
    #expect(bench.driver.compilations == 1)
  }

  @Test func returnedErrorKeepsTheInstanceUsable() throws {
    let bench = try GuestBench()
    let instance = try bench.start(
      "static int n; HANDLE u32 handle(u32 e, u32 l) { return n++ ? ok() : fail(\"not yet\", 7); }")
    #expect(bench.activate(instance) == AgentFailure(.error, "not yet"))
    #expect(bench.activate(instance) == nil)
  }

  @Test func standardOutputIsTheLog() throws {
    let bench = try GuestBench()
    let instance = try bench.start(
      """
      HANDLE u32 handle(u32 e, u32 l) {
        static u32 vector[4]; static u32 written; static u64 noise[2];
        vector[0] = P("one\\ntwo"); vector[1] = 7; vector[2] = P(" and more\\nrest"); vector[3] = 14;
        if (fd_write(1, P(vector), 2, P(&written)) || written != 21) return fail("not written", 11);
        if (fd_write(7, P(vector), 2, P(&written)) != 8) return fail("descriptor 7", 12);
        if (random_get(P(noise), 16) || noise[0] == noise[1]) return fail("no noise", 8);
        return now() == 42 ? ok() : fail("no clock", 8);
      }
      """)
    #expect(bench.activate(instance) == nil)
    #expect(bench.host.log == ["info one", "info two and more", "info rest"])
  }

  @Test func higherPriorityAgentsRunFirst() throws {
    var limits = GuestLimits()
    limits.slice = 20_000
    limits.fuel = 20_000_000
    let bench = try GuestBench(limits: limits)
    let busy = try Workshop.build(
      "HANDLE u32 handle(u32 e, u32 l) { for (volatile int i = 0; i < 300000; i++) ; return ok(); }", in: bench.folder)
    let low = try bench.start(module: busy, priority: .low)
    let high = try bench.start(module: busy, priority: .high)
    var ended: [String] = []
    low.activate(GuestBench.event) { _ in ended.append("low") }
    high.activate(GuestBench.event) { _ in ended.append("high") }
    #expect(ended.isEmpty)
    while ended.count < 2 { bench.loop.turn(wait: true) }
    #expect(ended == ["high", "low"])
  }
}
