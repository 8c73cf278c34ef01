import Config
import HAL
import HALSimulated
import HALTestKit
import Linux
import Model
import TestKit
import Testing

/// The board of `make run` tells its story within ten seconds.
@Suite struct GreenhouseTests {
  private func board() throws -> Board {
    let file = Repository.path("Board/greenhouse-sim/board.yaml")
    var board = try ConfigText.board(try Files.read(file), file: file).0
    // The sensors of the machine itself belong to the Linux layer.
    board.devices.removeAll { $0.driver != "simulated" }
    return board
  }

  @Test func theStory() throws {
    let bench = GateBench(try board().devices)
    #expect(bench.sink.events.isEmpty)
    let climate = Principal.named("agent/climate")
    _ = try bench.hardware.subscribe("temperature")
    var (fanOn, fanOff): (Double?, Double?)
    var seen = 0
    while seconds(bench) < 10 {
      bench.wait(50)
      let news = bench.sink.events[seen...]
      seen = bench.sink.events.count
      for event in news where event.type == "sensor:temperature" {
        guard let value = event["value"]?.double else { continue }
        if value > 30 {
          try bench.hardware.controlActuator("fan", .on, as: climate, cause: Cause(event))
          fanOn = fanOn ?? seconds(bench)
        } else if value < 28, let on = fanOn, fanOff == nil {
          try bench.hardware.controlActuator("fan", .off, as: climate, cause: Cause(event))
          fanOff = seconds(bench) - on
        }
      }
    }
    #expect((1...4).contains(fanOn ?? 0))
    #expect((1...5).contains(fanOff ?? 0))
    let door = try #require(bench.sink.of("input:door").first)
    #expect((5...7).contains(since(bench, door)))
    let motion = try #require(bench.sink.of("camera:motion").first)
    #expect((7...9.5).contains(since(bench, motion)))
    #expect(bench.sink.of("device:fault").isEmpty)
    bench.hardware.close()
    // The last command is still under way to a slow output.
    bench.wait(1000)
    #expect(bench.clock.waiting == 0)
  }

  @Test func theStoryRepeatsEveryTwentySeconds() throws {
    let bench = GateBench(try board().devices)
    bench.wait(65_000)
    let presses = bench.sink.of("input:door").filter { $0["active"] == true }
    #expect(presses.count == 3)
    #expect(bench.sink.of("camera:motion").count == 3)
  }

  private func seconds(_ bench: GateBench) -> Double { Double(bench.clock.now.nanoseconds) / 1e9 - 1 }
  private func since(_ bench: GateBench, _ event: Event) -> Double { Double(event.monotonic) / 1e9 - 1 }
}
