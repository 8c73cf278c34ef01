import Model
import TestKit
import Testing

@testable import thermostat

/// One source, three isolations: `Examples/wasm/thermostat/Thermostat.swift` must behave the same linked into the
/// tests, as a process, and as a WebAssembly module.
@Suite(.enabled(if: Modules.canRun, "no tools for WebAssembly: see the first line of output")) struct SameSourceTests {
  @Test func allIsolationsBehaveTheSame() throws {
    let bench = try ModuleBench(try Modules.module("thermostat"))
    var switches: Int64 = 0
    for seed in 1...4 as ClosedRange<UInt64> {
      var dice = SeededGenerator(seed)
      let (linked, remote, guest) = (TestHost(), TestHost(), TestHost())
      // Refuse some calls, the same ones in all three.
      for call in 0..<200 where Int.random(in: 0..<8, using: &dice) == 0 {
        let code = AgentError.Code.allCases.randomElement(using: &dice)!
        let error = AgentError(code, "call \(call) – \"no\"", retryAfter: call % 3 == 0 ? .seconds(3) : nil)
        for host in [linked, remote, guest] { host.refusals[call] = error }
      }
      var agent = Thermostat()
      var context = Context(agent: "room", host: linked)
      let process = try ProcessBench("thermostat")
      let wasm = try bench.start(guest)
      var temperature = 21.0
      for step in 0..<60 {
        temperature += Double.random(in: -1.5...1.5, using: &dice)
        var value: Value = .double(temperature)
        if step % 7 == 0 { value = .int(Int64(temperature)) }
        if step % 31 == 30 { value = "warm" }
        let event = Event(
          id: ULID(high: 3, low: UInt64(step)), type: step % 17 == 16 ? "sensor:humidity" : "sensor:temperature",
          time: 1_700_000_000_000 + UInt64(step), monotonic: UInt64(step) * 1_000_000_000, source: "temperature",
          cause: step % 2 == 0 ? nil : ULID(high: 3, low: 0), depth: step % 3, priority: .high,
          payload: ["value": value, "unit": "°C"])
        var failure: String?
        do throws(AgentError) { try agent.handle(event, &context) } catch { failure = error.description }
        let processFailure = try process.activate(event, remote)
        let guestFailure = bench.activate(wasm, event)
        #expect(processFailure == failure)
        #expect(guestFailure?.message == failure)
        let expected = linked.take()
        #expect(remote.take() == expected)
        #expect(guest.take() == expected)
      }
      let id = try process.request("snapshot")
      let told = try process.receive()
      #expect(told?["id"]?.int == id && told?["result"]?["snapshot"] == agent.snapshot())
      #expect(bench.snapshot(wasm) == agent.snapshot())
      switches += agent.snapshot()["switches"]?.int ?? 0
    }
    #expect(switches > 10)
  }
}
