import Agent
import Model
import Rules

/// Changes that wait for the disk, oldest first. A newer value replaces an older one of the same place, so an agent that
/// writes one key over and over fills no memory while the disk cannot be written.
struct WaitingChanges {
  /// What a change overwrites.
  private enum Place: Hashable {
    case state(AgentID, key: String)
    case enabled(AgentID)
    case cooldown(RuleID)
    case count(DeviceID)
    case rule(RuleID)
    case variable(String)
    case message(ULID)
    case approval(ULID)
    case suspension(DeviceID)
    case noEffect(DeviceID)
    case held(DeviceID)

    /// - Returns: nil for changes that are all kept.
    init?(_ change: RegistryChange) {
      switch change {
      case .state(let agent, let key, _): self = .state(agent, key: key)
      case .enabled(let agent, _): self = .enabled(agent)
      case .cooldown(let rule, _): self = .cooldown(rule)
      case .count(let input, _): self = .count(input)
      case .rule(let rule, _): self = .rule(rule)
      case .variable(let name, _): self = .variable(name)
      case .message(let id, _): self = .message(id)
      case .approval(let id, _): self = .approval(id)
      case .suspension(let output, _): self = .suspension(output)
      case .held(let output, _): self = .held(output)
      case .noEffect(let output, _): self = .noEffect(output)
      case .agent, .removal, .ledger: return nil
      }
    }
  }

  /// nil where a newer change has replaced one: removing it would move all that follow.
  private var slots: [RegistryChange?] = []
  private var index: [Place: Int] = [:]
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  /// How many changes there would be with these.
  func count(with changes: [RegistryChange]) -> Int {
    let replaced = Set(changes.compactMap(Place.init)).count { index[$0] != nil }
    return count + changes.count - replaced
  }

  /// Adds a change after all others.
  mutating func add(_ change: RegistryChange) {
    if let place = Place(change) {
      if let older = index[place] {
        slots[older] = nil
        count -= 1
      }
      index[place] = slots.count
    }
    slots.append(change)
    count += 1
    if slots.count > 64, slots.count > 2 * count { self = WaitingChanges(take()) }
  }

  /// Removes and returns all changes, oldest first.
  mutating func take() -> [RegistryChange] {
    defer { self = WaitingChanges() }
    return slots.compactMap(\.self)
  }

  /// Puts changes back that could not be written, before all others.
  mutating func putBack(_ older: [RegistryChange]) { self = WaitingChanges(older + take()) }

  init() {}

  private init(_ changes: [RegistryChange]) {
    for change in changes { add(change) }
  }
}
