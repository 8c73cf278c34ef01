import HAL
import Model

/// What the simulated devices of a board have in common: time since the start, and the levels of the actuators.
final class World {
  /// When the simulation began: scripts and scenes count from here.
  let start: Instant
  let clock: any Timekeeper
  let seed: UInt64
  /// What surrounds the board, in °C, where a model does not say.
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

  /// The sum of what the actuators add now.
  func sum(_ influences: [Influence]) -> Double {
    influences.reduce(0) { $0 + $1.weight * level($1.actuator) }
  }

  func add(_ model: FirstOrder) { models.append(model) }

  /// An actuator took a level: whatever it influences goes on from here in a new direction.
  func set(_ id: DeviceID, _ level: Double) {
    let now = clock.now
    for model in models { model.rebase(at: now) }
    levels[id] = level
    for model in models { model.redirect() }
  }
}

/// Numbers that look random and are the same every time for the same seed (SplitMix64: Steele, Lea and Flood, 2014).
struct Noise {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  /// A stream of its own for a name and a number.
  init(seed: UInt64, _ name: String, _ number: UInt64 = 0) {
    // FNV-1a, since Swift's own hashes differ from run to run.
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

  /// From 0 up to 1.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Roughly normal, deviation 1: the sum of twelve even ones (Irwin and Hall).
  mutating func normal() -> Double { (0..<12).reduce(-6) { sum, _ in sum + unit() } }
}
