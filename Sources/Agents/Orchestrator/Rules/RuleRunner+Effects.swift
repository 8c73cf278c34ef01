import HAL
import Model
import Rules

/// Outputs that have to have an effect (`verify`).
extension RuleRunner {
  /// Lets the gate ask whether an output has its effect. The board was checked when it was read.
  func watchEffects() {
    guard let effects = try? Effect.compile(hardware.board), !effects.isEmpty else { return }
    let byOutput = Dictionary(uniqueKeysWithValues: effects.map { ($0.device, $0) })
    hardware.judgeEffect = { [weak self] device, value, level, isSafe in
      guard let effect = byOutput[device],
        let truth = self?.engine?.judge(effect, value: value, level: level, isSafe: isSafe)
      else { return .unknown("no rules are there to tell") }
      return switch truth {
      case .yes: .seen
      case .no: .unseen
      case .unknown(let why): .unknown(why)
      }
    }
  }

  /// Shows what earlier daemons have found, and stores what is found from now on.
  func keepEffects(_ earlier: [DeviceID: Value]) {
    hardware.onNoEffect = { [weak self] device, found in
      guard let self else { return }
      // The registry reports a disk that cannot be written, once for all changes.
      try? registry?.keep([.noEffect(device, found.map { .map($0.fields) })])
      // State rules wait for the acknowledgement.
      if found == nil { claims.outputsChanged() }
    }
    for (device, value) in earlier where NoEffect(value) == nil { try? registry?.keep([.noEffect(device, nil)]) }
    hardware.recallNoEffects(earlier.compactMapValues { NoEffect($0) })
  }
}
