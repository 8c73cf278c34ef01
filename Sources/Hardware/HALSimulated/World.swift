import HAL
import Model

/// The shared state of a board's simulated devices: the start time and the levels of the actuators.
final class World {
  /// The start of the simulation, from which scripts and scenes count.
  let start: Instant
  let clock: any Timekeeper
  let seed: UInt64
  /// The default ambient temperature of models, in °C.
  let ambient: Double
  private var levels: [DeviceID: Double] = [:]
  private var models: [FirstOrder] = []

  init(_ board: Board, _ clock: any Timekeeper, seed: UInt64) {
    self.clock = clock
    self.seed = seed
    start = clock.now
    ambient = board.world["ambient"]?.double ?? 22
    for device in board.devices {
      if case .actuator(let settings) = device.kind { levels[device.id] = settings.safe }
    }
  }

  var actuators: [DeviceID] { Array(levels.keys) }
  func hasActuator(_ id: DeviceID) -> Bool { levels[id] != nil }
  func level(_ id: DeviceID) -> Double { levels[id] ?? 0 }

  /// Time since the simulation began.
  func elapsed(_ now: Instant) -> Duration { now - start }

  /// The sum of the influences at the actuators' current levels.
  func sum(_ influences: [Influence]) -> Double {
    influences.reduce(0) { $0 + $1.weight * level($1.actuator) }
  }

  func add(_ model: FirstOrder) { models.append(model) }

  /// Notes an actuator's new level. Every model continues from its current value towards its new target.
  func set(_ id: DeviceID, _ level: Double) {
    let now = clock.now
    for model in models { model.rebase(at: now) }
    levels[id] = level
    for model in models { model.redirect() }
  }
}

/// A pseudo-random generator, reproducible by its seed (SplitMix64: Steele, Lea and Flood, 2014).
struct Noise {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  /// An independent stream for each name and number.
  init(seed: UInt64, _ name: String, _ number: UInt64 = 0) {
    // FNV-1a, because Swift's hashes differ from run to run.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    self.init(seed ^ hash ^ number &* 0x9e37_79b9_7f4a_7c15)
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }

  /// Uniform in [0, 1).
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Approximately normal, mean 0, standard deviation 1: a sum of twelve uniform numbers (Irwin–Hall).
  mutating func normal() -> Double { (0..<12).reduce(-6) { sum, _ in sum + unit() } }
}
