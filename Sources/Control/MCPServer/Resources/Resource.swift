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
  /// Whether an event may have changed it.
  let changes: @Sendable (Event) -> Bool

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
    [devices, projection, rules] + (catalogue.reachesAll ? [board, ruleFiles] : [])
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
    if let id = uri.rest(after: "\(scheme)devices/") { return device(id) }
    if let id = uri.rest(after: "\(scheme)causes/") {
      return ULID(id) == nil ? causes(of: id) : causes(ofEvent: id)
    }
    return nil
  }

  private static let devices = Resource(
    uri: "\(scheme)devices", name: "devices", about: "The board's devices: values, states, holders, leases, limits.",
    method: "hal.devices", changes: isAboutDevices)

  private static let projection = Resource(
    uri: "\(scheme)projection", name: "projection",
    about: "The board as one tree: devices, agents with their reports, budgets, rules.", method: "projection.get",
    changes: { _ in true })

  private static let rules = Resource(
    uri: "\(scheme)rules", name: "rules", about: "The rules in force with their states and counters.",
    method: "rules.list", params: ["most": 500],
    changes: { event in event.type.hasPrefix("rule:") || isReload(event) })

  private static let board = Resource(
    uri: "\(scheme)files/board", name: "board file", about: "The board file, as it is on the disk.",
    type: "application/yaml", method: "daemon.files", part: { text(of: "board", $0) }, changes: isReload)

  private static let ruleFiles = Resource(
    uri: "\(scheme)files/rules", name: "rule files",
    about: "The rule files, as they are on the disk, one after the other.", type: "application/yaml",
    method: "daemon.files", part: { text(of: "rules", $0) }, changes: isReload)

  private static func device(_ id: String) -> Resource {
    Resource(
      uri: "\(scheme)devices/\(id)", name: id, about: "One device.", method: "hal.devices",
      part: { result in
        result["devices"]?.list?.first { $0["device"]?.string?.isSame(as: id) == true }.map(Content.json)
      }, changes: { isAbout(id, $0) })
  }

  private static func causes(of device: String) -> Resource {
    Resource(
      uri: "\(scheme)causes/\(device)", name: "causes of \(device)",
      about: "The chain of events that led to the last change of '\(device)', first cause first.",
      method: "events.chain", params: ["device": .string(device)],
      changes: { $0.type.isSame(as: "device:changed") && isAbout(device, $0) })
  }

  private static func causes(ofEvent id: String) -> Resource {
    Resource(
      uri: "\(scheme)causes/\(id)", name: id, about: "The chain of events that led to one event.",
      method: "events.chain", params: ["event": .string(id)], changes: { _ in false })
  }

  // MARK: Of events and results

  private static func isAbout(_ device: String, _ event: Event) -> Bool {
    event.source.isSame(as: device) || event.payload["device"]?.string?.isSame(as: device) == true
  }

  @Sendable private static func isAboutDevices(_ event: Event) -> Bool {
    ["sensor:", "input:", "device:", "camera:", "system:"].contains { event.type.hasPrefix($0) }
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
