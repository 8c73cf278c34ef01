import Model

/// What survives a restart of the daemon about a rule.
package struct RuleMemory: Sendable, Hashable {
  /// Whether a state rule lasts.
  package var lasts = false
  /// Whether it was ended by an emergency stop, and its trigger was not false since.
  package var isStopped = false
  /// Whether a person has disabled the rule.
  package var isDisabled = false
  /// `at_most`: the hours or days since 1970 (local) that `spent` belongs to; 0 for a run.
  package var period: Int64 = 0
  /// `at_most`: how long outputs were kept in that period, in milliseconds.
  package var spent: Int64 = 0

  /// The outputs that it keeps, if it was ended by an emergency stop: under another name it must not move them.
  package var outputs: [DeviceID] = []

  /// A rule of which nothing is stored.
  package init() {}

  /// Whether there is nothing to store.
  package var isEmpty: Bool { self == RuleMemory() }

  /// The stored form: letters for what is true (`l`, `s`, `d`; `-` for none), the period, the time spent, and the outputs with
  /// commas, if there are any.
  package var text: String {
    let letters = (lasts ? "l" : "") + (isStopped ? "s" : "") + (isDisabled ? "d" : "")
    let rest = outputs.isEmpty ? "" : " " + outputs.map(\.rawValue).joined(separator: ",")
    return "\(letters.isEmpty ? "-" : letters) \(period) \(spent)\(rest)"
  }

  /// Parses the format of `text`; nil for anything else.
  package init?(_ text: String) {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 3 || parts.count == 4, let period = Int64(parts[1]), let spent = Int64(parts[2]), spent >= 0
    else { return nil }
    for letter in parts[0] {
      switch letter {
      case "l": lasts = true
      case "s": isStopped = true
      case "d": isDisabled = true
      case "-": break
      default: return nil
      }
    }
    self.period = period
    self.spent = spent
    guard parts.count == 3 || isStopped else { return nil }
    if parts.count == 4 { outputs = parts[3].split(separator: ",").map { DeviceID(String($0)) } }
  }
}
