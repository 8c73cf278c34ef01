import HAL
import Model
import Testing

@testable import AgentTrial

struct BoardTests {
  private func kinds(_ board: Board) -> [String: String] {
    Dictionary(uniqueKeysWithValues: board.devices.map { ($0.id.rawValue, $0.kind.name) })
  }

  @Test func boardHasEveryNamedDevice() {
    let agent = manifest(
      "fan", sensors: ["temperature", "door", "soil-*"], actuators: ["fan", "pump"], cameras: ["cam0"],
      subscribe: ["input:door", "sensor:humidity", "git:*"])
    let board = TrialBoard.madeUp(for: agent, events: [], named: [])
    #expect(
      kinds(board) == [
        "temperature": "sensor", "door": "input", "fan": "actuator", "pump": "actuator", "cam0": "camera",
        "humidity": "sensor",
      ])
    #expect(board.devices.allSatisfy { $0.driver == "simulated" })
  }

  @Test func wildcardsBecomeTheMatchingDevices() {
    let agent = manifest("fan", sensors: ["*"], actuators: ["*"], subscribe: ["sensor:soil-*"])
    #expect(TrialBoard.madeUp(for: agent, events: [], named: []).devices.isEmpty)
    let board = TrialBoard.madeUp(for: agent, events: ["sensor:soil-1", "input:door", "a:b"], named: ["light"])
    #expect(kinds(board) == ["soil-1": "sensor", "door": "input", "light": "sensor"])
  }

  @Test func misspeltNamesMakeNoDevice() {
    let agent = manifest("fan", sensors: ["temperature"])
    let board = TrialBoard.madeUp(for: agent, events: ["sensor:temprature"], named: ["temprature"])
    #expect(kinds(board) == ["temperature": "sensor", "fan": "actuator"])
  }

  @Test func distributionsAreByNearestRank() {
    #expect(Percentiles([]) == nil)
    #expect(Percentiles([7]) == Percentiles([7, 7]))
    let hundred = Percentiles((1...100).map { Int64($0) }.shuffled())
    #expect(hundred.map { [$0.p50, $0.p99, $0.max] } == [50, 99, 100])
    let thousand = Percentiles((1...1000).map { Int64($0) }.reversed())
    #expect(thousand.map { [$0.p50, $0.p99, $0.max] } == [500, 990, 1000])
  }
}
