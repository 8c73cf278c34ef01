import Agent
import Model
import Testing

/// The examples of `Examples/wasm`, built by `SDK/build` and run in the real driver.
@Suite(.enabled(if: Modules.canRun, "no tools for WebAssembly: see the first line of output")) struct ExampleTests {
  private func event(_ type: String, _ payload: Fields = [:], seconds: UInt64 = 0) -> Event {
    Event(
      id: ULID(high: 7, low: seconds), type: type, time: 1_700_000_000_000, monotonic: seconds * 1_000_000_000,
      payload: payload)
  }

  @Test func doorCounterContinuesAfterARestart() throws {
    let bench = try ModuleBench(try Modules.module("door-counter"))
    let host = TestHost()
    let first = try bench.start(host)
    // The door is open at the start.
    #expect(bench.activate(first, event("input:door", ["active": true, "initial": true])) == nil)
    for active in [true, false, true] {
      #expect(bench.activate(first, event("input:door", ["active": .bool(active)])) == nil)
    }
    #expect(
      host.take() == [
        "state opened", "set opened 1", #"emit door:counted {"opened":1}"#,
        "state opened", "set opened 2", #"emit door:counted {"opened":2}"#,
      ])
    #expect(bench.snapshot(first) == ["opened": 2])
    let second = try bench.start(host)
    for _ in 3...10 { #expect(bench.activate(second, event("input:door", ["active": true])) == nil) }
    #expect(host.take().suffix(2) == ["log info the door was opened 10 times", #"emit door:counted {"opened":10}"#])
    #expect(host.kept == ["opened": 10])
    // A count that cannot be stored is not published.
    host.refusals[10 * 3 + 1] = AgentError(.limited, "its storage is used up")
    #expect(bench.activate(second, event("input:door", ["active": true]))?.message == "limited: its storage is used up")
    #expect(host.take() == ["state opened", "set opened 11 refused"])
  }

  /// The Swift and the C version behave the same.
  @Test(arguments: ["leak-guard", "leak-guard-c"]) func leakGuardKeepsTheValveClosed(name: String) throws {
    let bench = try ModuleBench(try Modules.module(name))
    let host = TestHost()
    let guardian = try bench.start(host)
    func after(_ instance: any AgentInstance, _ type: String, _ payload: Fields = [:]) -> [String] {
      #expect(bench.activate(instance, event(type, payload)) == nil)
      return host.take()
    }
    let open = ["state leak", "control valve on 3600.0 seconds"]
    let closed = ["state leak", "control valve off default"]
    #expect(after(guardian, "timer:leak-guard") == open)
    #expect(after(guardian, "input:leak", ["active": false]) == open)
    #expect(bench.snapshot(guardian) == ["closed": false])
    #expect(
      after(guardian, "input:leak", ["active": true]) == [
        "control valve off default", "state leak", "set leak 1700000000000",
        "log alert water on the floor: the valve is closed", "emit leak:found {}",
      ])
    #expect(bench.snapshot(guardian) == ["closed": true])
    #expect(after(guardian, "input:leak", ["active": true]) == ["control valve off default", "state leak"])
    #expect(after(guardian, "input:leak", ["active": false]) == closed)
    let restarted = try bench.start(host)
    #expect(after(restarted, "timer:leak-guard", ["note": "a \"quoted\" {text}, [too] \\ 😀"]) == closed)
    #expect(
      after(restarted, "leak:cleared") == [
        "set leak nothing", "log notice the leak is cleared", "control valve on 3600.0 seconds",
      ])
    #expect(after(restarted, "timer:leak-guard") == open)
    // When the valve does not answer, the agent raises an alert and tries again.
    host.refusals[host.calls] = AgentError(.failed, "no valve")
    host.refusals[host.calls + 5] = AgentError(.busy, "no valve either")
    #expect(
      after(restarted, "input:leak", ["active": true]) == [
        "control valve off default refused", "log alert the valve does not follow: no valve", "state leak",
        "set leak 1700000000000", "log alert water on the floor: the valve is NOT closed", "emit leak:found {}",
      ])
    #expect(after(restarted, "timer:leak-guard") == ["state leak", "control valve off default refused"])
    #expect(after(restarted, "timer:leak-guard") == closed)
    // A call of an unknown device is a failure of the agent.
    host.refusals[host.calls] = AgentError(.notFound, "there is no valve")
    let failure = bench.activate(restarted, event("input:leak", ["active": true]))
    #expect(failure?.message.hasSuffix("there is no valve") == true)
  }

  @Test func motionRecorderTakesPictures() throws {
    let bench = try ModuleBench(try Modules.module("motion-recorder"))
    let host = TestHost()
    let recorder = try bench.start(host)
    func after(_ type: String, _ seconds: UInt64) -> [String] {
      #expect(bench.activate(recorder, event(type, ["device": "cam1"], seconds: seconds)) == nil)
      return host.take()
    }
    #expect(after("camera:snapshot", 1).isEmpty)
    #expect(after("camera:motion", 1) == ["snapshot cam1"])
    // A picture larger than the memory the module began with.
    host.picture = [UInt8](repeating: 0xFF, count: 200_000)
    #expect(
      after("camera:snapshot", 2) == [
        "snapshot cam1", "log info picture 1 of cam1: 200000 bytes",
        #"emit recorder:picture {"camera":"cam1","bytes":200000,"number":1}"#,
      ])
    #expect(after("camera:motion", 6).isEmpty)
    #expect(after("camera:motion", 7).count == 3)
    #expect(bench.snapshot(recorder) == ["motions": 3, "pictures": 2])
    // Memory is freed: a hundred pictures of 200 kB fit into the guest's 1 MiB.
    for seconds in 1...100 as ClosedRange<UInt64> { #expect(after("camera:motion", 10 + seconds * 5).count == 3) }
  }

  /// A trivial event costs a module few instructions: an edge that switches an output, and a reading that needs nothing.
  @Test func eventsCostFewInstructions() throws {
    let workload = try ModuleBench(try Modules.module("workload", in: "Benchmarks/Guests"))
    let relay = try workload.start(TestHost())
    let thermostat = try ModuleBench(try Modules.module("thermostat"))
    let room = try thermostat.start(TestHost())
    for active in [true, false, true] {
      #expect(
        workload.activate(
          relay,
          event(
            "input:button",
            ["active": .bool(active), "edge": "rising", "initial": false, "sequence": 7, "kernel_ns": 5]))
          == nil)
      #expect(
        thermostat.activate(room, event("sensor:temperature", ["value": 21.0, "unit": "°C", "quality": "good"])) == nil)
    }
    let costs = [relay, room].map { $0.lastCost?.fuel ?? 0 }
    print("instructions of an event: \(costs[0]) with an output switched, \(costs[1]) without")
    #expect(costs.allSatisfy { (1_000...30_000).contains($0) }, "\(costs)")
  }
}
