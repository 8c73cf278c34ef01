import Agent
import HAL
import Model
import Projection
import Rules

// The values of section 4 of `docs/control.md`, except those of agents, devices and rules, which are in `Projection`.

extension LogLevel {
  /// `emergency` to `debug`.
  var name: String { "\(self)" }
}

extension LogLine {
  /// Section 4.3.
  var fields: Fields {
    [
      "agent": .string(agent.rawValue), "time": .int(Int64(clamping: time)), "level": .string(level.name),
      "message": .string(message), "event": (event?.description).orNull,
    ]
  }
}

extension Receipt {
  /// Section 4.6.
  /// - Parameters:
  ///   - lease: the lease after the command; nil when the device is not held.
  ///   - former: the previous holder, if it was another one.
  ///   - board: the name of the board.
  func fields(
    _ device: DeviceID, _ lease: (end: Instant, limit: String?)?, former: String?, board: Value
  ) -> Fields {
    let length = lease.map { $0.end - Instant(nanoseconds: at) }
    var answer: Fields = ["device": .string(device.rawValue)]
    for (name, value) in self.fields { answer[name] = value }
    answer["lease_ms"] = length?.milliseconds ?? .null
    answer["limit"] = (lease?.limit).orNull
    answer["taken_from"] = former.orNull
    answer["board"] = board
    return answer
  }
}

extension RuleVerdict {
  /// Section 4.8.
  var fields: Fields { ["rule": .string(rule.rawValue), "fires": .bool(fires), "reason": .string(reason)] }
}

extension Manifest {
  /// An entry of `registry.list`, without what changes.
  var fields: Fields {
    [
      "agent": .string(id.rawValue), "name": .string(name), "version": .string(version),
      "description": .string(description), "driver": .string(runtime.driver.rawValue),
      "entry": .string(runtime.entry), "lifecycle": .string(runtime.lifecycle.rawValue),
      "subscribe": .list(subscribe.map { .string($0.text) }), "plugins": .list(plugins.map { .string($0) }),
      "file": .string(file),
    ]
  }

  /// What it may do, for `registry.inspect`. Empty permissions are left out.
  var permissionFields: Fields {
    let patterns: [(String, [String])] = [
      ("sensors", permissions.sensors.map(\.text)), ("actuators", permissions.actuators.map(\.text)),
      ("cameras", permissions.cameras.map(\.text)), ("emit", permissions.emit.map(\.text)),
      ("fs_allow_paths", permissions.paths), ("network_allow_hosts", permissions.hosts),
    ]
    var fields = Fields(patterns.filter { !$0.1.isEmpty }.map { ($0.0, .list($0.1.map(Value.string))) })
    if permissions.model { fields["model"] = true }
    if let data = permissions.data { fields["data"] = .int(Int64(data)) }
    return fields
  }
}
