import OpenStarryAgent

/// What the daemon tells the mind of itself and of the board: the result of `describe` (docs/process-abi.md).
struct Surroundings {
  var agent: String
  /// Its name for people, and what its manifest says it is for.
  var name: String
  var purpose: String
  var settings: Settings
  /// The devices that its permissions grant, at most `mostDevices`.
  var devices: [Device]
  /// How many more devices it may use than are listed.
  var unlisted: Int
  /// Names and patterns of the events that it may emit.
  var emits: [String]
  /// Files and folders that its permissions grant.
  var paths: [String]

  /// More would cost a small model its context.
  static let mostDevices = 64

  /// - Throws: `invalid` for an agent without `cognition`.
  init(_ value: Value) throws(AgentError) {
    guard let mind = value["mind"]?.map else {
      throw AgentError(.invalid, "the manifest has no 'cognition': openstarry-mind runs only agents that have it")
    }
    func texts(_ name: String) -> [String] { (value[name]?.list ?? []).compactMap(\.string) }
    agent = value["agent"]?.string ?? ""
    name = value["name"]?.string ?? ""
    purpose = value["description"]?.string ?? ""
    settings = Settings(mind)
    let all = (value["devices"]?.list ?? []).compactMap { Device($0) }
    devices = Array(all.prefix(Self.mostDevices))
    unlisted = all.count - devices.count
    emits = texts("emit")
    paths = texts("paths")
  }

  /// A device of the board.
  struct Device {
    enum Kind: String { case sensor, input, actuator, camera }

    var id: String
    var kind: Kind
    var name: String
    var unit: String
    /// The limits of the board file, one phrase each.
    var limits: [String]
    /// Its state in a word or two.
    var state: String

    /// nil for what is no device that a mind can use.
    init?(_ value: Value) {
      guard let id = value["id"]?.string, ModelTool.isName(id),
        let kind = value["kind"]?.string.flatMap(Kind.init(rawValue:))
      else {
        return nil
      }
      self.id = id
      self.kind = kind
      name = value["name"]?.string ?? ""
      unit = value["unit"]?.string ?? ""
      limits = (value["limits"]?.list ?? []).compactMap(\.string)
      state = value["state"]?.string ?? ""
    }

    /// What stays as long as the board file does.
    var description: Value {
      var fields: Fields = ["id": .string(id), "kind": .string(kind.rawValue)]
      if !name.isEmpty { fields["name"] = .string(name.bounded(80)) }
      if !unit.isEmpty { fields["unit"] = .string(unit.bounded(16)) }
      if !limits.isEmpty { fields["limits"] = .list(limits.prefix(8).map { .string($0.bounded(60)) }) }
      return .map(fields)
    }
  }

  /// The ids of the devices of some kinds.
  func devices(_ kinds: Device.Kind...) -> [String] { devices.filter { kinds.contains($0.kind) }.map(\.id) }

  /// The states of all devices.
  var states: Fields { devices.reduce(into: [:]) { $0[$1.id] = .string($1.state.bounded(40)) } }
}
