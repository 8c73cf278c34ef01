import Model
import RPC

/// How the server reaches the board: a session of the control protocol that has bound itself (`session.restrict`).
///
/// Confined to one thread. No callback runs from within the call that takes it.
package protocol BoardAccess: AnyObject {
  /// What the board offers within the session's bounds. It changes at most when the daemon starts again.
  /// - Parameter done: called once.
  func catalogue(_ done: @escaping (Result<Catalogue, RPCError>) -> Void)

  /// Calls a method of the control protocol.
  /// - Parameters:
  ///   - trace: what the caller says it is part of.
  ///   - done: called once, with the answer or why there is none.
  func call(
    _ method: String, _ params: Fields, _ trace: TraceParent?, _ done: @escaping (Result<Answer, RPCError>) -> Void)

  /// Names the events that `follow` is to tell of: before it, and whenever they change. A board may tell of others, too.
  /// - Parameter patterns: a few; none for nothing but the ends of sessions.
  func narrow(to patterns: Set<EventPattern>)

  /// Tells from now on what happens on the board, over ends of the session, too.
  func follow(_ onNews: @escaping (News) -> Void)

  /// Ends that, and forgets the patterns.
  func unfollow()

  /// The clock for what waits.
  var time: any Timekeeper { get }

  /// What `openstarry doctor` finds: `{"findings": [finding]}`.
  /// - Parameter done: called once.
  func examine(_ done: @escaping (Result<Value, RPCError>) -> Void)
}

extension BoardAccess {
  package func narrow(to patterns: Set<EventPattern>) {}
}

/// What happens on a board.
package enum News: Sendable {
  /// An event was published.
  case event(Event)
  /// Events were published that this session did not get.
  case missed
}

/// What a board offers to one client.
package struct Catalogue: Sendable, Equatable {
  /// The schemas of the methods' parameters, by the methods' names.
  package var schemas: [String: Fields]
  /// The devices within reach, as `hal.devices` lists them.
  package var devices: [Device]
  /// Whether it may change anything.
  package var operates: Bool
  /// Whether every device is within reach, so that whole files may be shown.
  package var reachesAll: Bool

  /// A device, as far as tools speak of it.
  package struct Device: Sendable, Equatable {
    /// The id.
    package var id: String
    /// `sensor`, `input`, `actuator` or `camera`.
    package var kind: String
    /// What people call it; empty for nothing.
    package var name: String
    /// The unit of its readings; empty for none.
    package var unit: String
    /// The limits of the board file, in phrases.
    package var limits: [String]

    /// Whether the board file bounds how long an actuator may be on. Of that `hal.devices` has only the phrase, such as
    /// `max_on 5m`.
    var isBounded: Bool { limits.contains { $0.hasPrefix("max_on ") } }

    /// Reads a row of `hal.devices`; nil if it is none.
    package init?(_ row: Value) {
      guard let id = row["device"]?.string, let kind = row["kind"]?.string else { return nil }
      self.id = id
      self.kind = kind
      name = row["name"]?.string ?? ""
      unit = row["unit"]?.string ?? ""
      limits = (row["limits"]?.list ?? []).compactMap(\.string)
    }
  }

  /// Creates a catalogue from the answers of the daemon.
  /// - Parameters:
  ///   - methods: the result of `daemon.methods`.
  ///   - devices: the result of `hal.devices`.
  ///   - operates: whether the session has the role `operate`.
  ///   - reachesAll: whether its patterns match everything.
  package init(methods: Value, devices: Value, operates: Bool, reachesAll: Bool) {
    let used = Set(Tool.all.compactMap(\.method))
    schemas = [:]
    for method in methods["methods"]?.list ?? [] {
      guard let name = method["name"]?.string, used.contains(name) else { continue }
      schemas[name] = method["schema"]?.map
    }
    self.devices = (devices["devices"]?.list ?? []).compactMap(Device.init)
    self.operates = operates
    self.reachesAll = reachesAll
  }

  /// The devices of some kinds.
  func devices(_ kinds: [String]) -> [Device] {
    devices.filter { device in kinds.contains { $0.isSame(as: device.kind) } }
  }
}
