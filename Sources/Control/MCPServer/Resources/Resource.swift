import Model
import RPC

/// Something that a client can read by its URI.
struct Resource: Sendable {
  /// `openstarry://` and a path.
  let uri: String
  /// For people and for the list.
  let name: String
  /// What it is.
  let about: String
  /// The media type of its text.
  var type = "application/json"
  /// The method of the control protocol that gives it.
  let method: String
  /// The method's parameters.
  var params: Fields = [:]
  /// What of the method's result it is; nil when there is no such thing.
  var part: @Sendable (Value) -> Content? = { .json($0) }
  /// The events that may have changed it.
  let events: [EventPattern]
  /// Which of them have.
  var isChange: @Sendable (Event) -> Bool = { _ in true }

  /// Whether an event may have changed it.
  func changes(with event: Event) -> Bool { events.contains { $0.matches(event.type) } && isChange(event) }

  /// What is read.
  enum Content: Sendable, Equatable {
    case json(Value)
    case text(String)
  }

  /// The entry in `resources/list`.
  var entry: Fields {
    ["uri": .string(uri), "name": .string(name), "description": .string(about), "mimeType": .string(type)]
  }
}

extension Resource {
  static let scheme = "openstarry://"

  /// The resources of a board that are listed.
  static func listed(_ catalogue: Catalogue) -> [Resource] {
    [devices, projection] + (catalogue.reachesAll ? [rules, board, ruleFiles] : [])
      + catalogue.devices(["actuator"]).map { causes(of: $0.id) }
  }

  /// The forms of URIs of which there are too many to list.
  static let templates: [Fields] = [
    [
      "uriTemplate": "openstarry://devices/{device}", "name": "device", "mimeType": "application/json",
      "description": "One device: its value, state, holder, lease and limits.",
    ],
    [
      "uriTemplate": "openstarry://causes/{of}", "name": "causes", "mimeType": "application/json",
      "description":
        "The chain of events that led to a device's last change, or to the event with an id, first cause first.",
    ],
  ]

  /// The resource of a URI, listed or not.
  static func at(_ uri: String, _ catalogue: Catalogue) -> Resource? {
    if let listed = listed(catalogue).first(where: { $0.uri.isSame(as: uri) }) { return listed }
    if let id = uri.rest(after: "\(scheme)devices/") { return device(id, catalogue) }
    if let id = uri.rest(after: "\(scheme)causes/") {
      return ULID(id) == nil ? causes(of: id) : causes(ofEvent: id)
    }
    return nil
  }

  private static let devices = Resource(
    uri: "\(scheme)devices", name: "devices", about: "The board's devices: values, states, holders, leases, limits.",
    method: "hal.devices", events: on("sensor:*", "input:*", "device:*", "camera:*", "system:*"))

  private static let projection = Resource(
    uri: "\(scheme)projection", name: "projection",
    about: "The board as one tree: devices, agents with their reports, budgets, rules.", method: "projection.get",
    events: on("*"))

  private static let rules = Resource(
    uri: "\(scheme)rules", name: "rules", about: "The rules in force with their states and counters.",
    method: "rules.list", params: ["most": 500],
    events: on("rule:*", SystemEvents.commandName),
    isChange: { event in !event.type.isSame(as: SystemEvents.commandName) || isReload(event) })

  private static let board = Resource(
    uri: "\(scheme)files/board", name: "board file", about: "The board file, as it is on the disk.",
    type: "application/yaml", method: "daemon.files", part: { text(of: "board", $0) },
    events: on(SystemEvents.commandName), isChange: isReload)

  private static let ruleFiles = Resource(
    uri: "\(scheme)files/rules", name: "rule files",
    about: "The rule files, as they are on the disk, one after the other.", type: "application/yaml",
    method: "daemon.files", part: { text(of: "rules", $0) }, events: on(SystemEvents.commandName), isChange: isReload)

  private static func device(_ id: String, _ catalogue: Catalogue) -> Resource {
    let kind = catalogue.devices.first { $0.id.isSame(as: id) }?.kind ?? ""
    // The events of a sensor or an input bear its name, and those of a camera only its id.
    let own =
      ["sensor", "input"].contains { $0.isSame(as: kind) }
      ? on("\(kind):\(id)") : kind.isSame(as: "camera") ? on("camera:*") : []
    // A command may also do no more than make a lease longer.
    return Resource(
      uri: "\(scheme)devices/\(id)", name: id, about: "One device.", method: "hal.devices",
      part: { result in
        result["devices"]?.list?.first { $0["device"]?.string?.isSame(as: id) == true }.map(Content.json)
      }, events: on("device:*", SystemEvents.commandName) + own, isChange: { isAbout(id, $0) })
  }

  private static func causes(of device: String) -> Resource {
    Resource(
      uri: "\(scheme)causes/\(device)", name: "causes of \(device)",
      about: "The chain of events that led to the last change of '\(device)', first cause first.",
      method: "events.chain", params: ["device": .string(device)],
      events: on(DeviceEvents.changedName), isChange: { isAbout(device, $0) })
  }

  private static func causes(ofEvent id: String) -> Resource {
    Resource(
      uri: "\(scheme)causes/\(id)", name: id, about: "The chain of events that led to one event.",
      method: "events.chain", params: ["event": .string(id)], events: [])
  }

  // MARK: Of events and results

  /// The most patterns, since a session of the daemon has at most 16 subscriptions.
  private static let mostPatterns = 12

  /// The patterns of the events that may change some resources, none of which is within another.
  static func patterns(of resources: [Resource]) -> Set<EventPattern> {
    let all = Set(resources.flatMap(\.events))
    let widest = all.filter { pattern in !all.contains { $0 != pattern && $0.matches(pattern.text) } }
    guard widest.count > mostPatterns else { return widest }
    return Set(widest.map { EventPattern("\($0.text.prefix { $0 != ":" }):*") })
  }

  private static func on(_ patterns: String...) -> [EventPattern] { patterns.map { EventPattern($0) } }

  private static func isAbout(_ device: String, _ event: Event) -> Bool {
    event.source.isSame(as: device) || event.payload["device"]?.string?.isSame(as: device) == true
  }

  /// Whether files were read again, or are about to be.
  @Sendable private static func isReload(_ event: Event) -> Bool {
    guard event.type.isSame(as: SystemEvents.commandName), let method = event.payload["method"]?.string else {
      return false
    }
    return ["rules.reload", "daemon.reload"].contains { $0.isSame(as: method) }
  }

  @Sendable private static func text(of kind: String, _ result: Value) -> Content? {
    let files = (result["files"]?.list ?? []).filter { $0["kind"]?.string?.isSame(as: kind) == true }
    let texts = files.map { file in
      let text = file["text"]?.string ?? "# cannot be read: \(file["error"]?.string?.printable ?? "")\n"
      return files.count == 1 ? text : "# \(file["file"]?.string?.printable ?? "")\n\(text)"
    }
    return texts.isEmpty ? nil : .text(texts.joined(separator: "---\n"))
  }
}

extension String {
  /// What follows a prefix; nil for another text, or when nothing follows.
  fileprivate func rest(after prefix: String) -> String? {
    guard utf8.starts(with: prefix.utf8), utf8.count > prefix.utf8.count else { return nil }
    return String(decoding: utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
  }
}
