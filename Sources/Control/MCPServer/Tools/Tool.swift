import Model
import RPC

/// A tool: a method of the control protocol as a model sees it.
struct Tool: Sendable {
  /// The name on the wire.
  let name: String
  /// For people.
  let title: String
  /// What it does, for a model.
  let about: String
  /// The method of the control protocol; nil for a tool that asks more than one.
  var method: String?
  /// The arguments: parameters of the method, in order. The others stay with this program.
  var arguments: [Argument] = []
  /// The parameters that this program sets.
  var fixed: Fields = [:]
  /// The kinds of devices that it is about; without one in reach it is not offered. Empty: it is about no device.
  var devices: [String] = []
  /// Whether its result tells of the whole board; without that in reach it is not offered.
  var isOfEverything = false
  /// What it does to the board.
  let effect: Effect
  /// The schema of its result without `cut`: the properties.
  let output: Fields
  /// What its result always has.
  let outputRequired: [String]
  /// Whether its lists are in the order of time: of a list that is too long, the newest entries are kept then, and
  /// otherwise the first.
  var isByTime = false
  /// What was cut from its result, and why.
  var cuts: @Sendable (_ arguments: Fields, _ result: Fields) -> [String] = { _, _ in [] }

  /// An argument of a tool.
  struct Argument: Sendable {
    /// The parameter's name.
    let name: String
    /// Whether a call without it is refused, whatever the method says.
    var isRequired = false
    /// The most that is asked for, where the method takes more.
    var most: Int64?
    /// What it is when the call leaves it out, where the method has another default.
    var otherwise: Value?
  }

  /// What a tool does to the board.
  enum Effect: Sendable {
    /// It only reads.
    case none
    /// It changes the level of outputs, within leases.
    case command
    /// It makes an output safe.
    case release
    /// It tells rules and agents something.
    case event
  }

  /// The tool of this name; nil for none.
  static func named(_ name: String, in catalogue: Catalogue) -> Tool? {
    all.first { $0.name.isSame(as: name) && $0.isOffered(by: catalogue) }
  }

  /// Whether the board has what it is about, and the session may use it.
  func isOffered(by catalogue: Catalogue) -> Bool {
    if let method, catalogue.schemas[method] == nil { return false }
    if isOfEverything, !catalogue.reachesAll { return false }
    if effect.changesSomething, !catalogue.operates { return false }
    return devices.isEmpty || !catalogue.devices(devices).isEmpty
  }
}

extension Tool.Effect {
  var changesSomething: Bool {
    switch self {
    case .none: false
    case .command, .release, .event: true
    }
  }
}
