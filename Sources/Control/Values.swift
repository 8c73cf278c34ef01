import Agent
import HAL
import Model
import Rules

// What travels, as section 4 of `docs/control.md` describes it.

extension Duration {
  /// Whole milliseconds.
  var milliseconds: Value { .int(nanoseconds / 1_000_000) }
}

extension Optional where Wrapped == String {
  /// The text, or null.
  var orNull: Value { map(Value.string) ?? .null }
}

extension AgentStatus {
  /// 4.2. The shipped form has some names of its own.
  func fields(at now: Instant, upstream: Bool) -> Fields {
    let uptime = started.map { now - $0 }
    var fields: Fields = [
      "agent": .string(id.rawValue), "name": .string(name), "driver": .string(driver.rawValue),
      "state": .string(state.rawValue), "pid": pid.map { .int(Int64($0)) } ?? .null,
      "uptime_ms": uptime?.milliseconds ?? .null, "activations": .int(Int64(clamping: activations)),
      "failures": .int(Int64(clamping: failures)), "restarts": .int(Int64(clamping: restarts)),
      "queued": .int(Int64(queued)), "dropped": .int(Int64(clamping: dropped)),
      "last_exit": (lastExit?.rawValue).orNull, "last_error": lastError.orNull,
      "parent": (parent?.rawValue).orNull, "budgets": .list(budgets.map { .map($0.fields) }),
    ]
    if upstream {
      fields["agentId"] = fields["agent"]
      fields["status"] = fields["state"]
      fields["uptime"] = uptime.map { .double($0.seconds) } ?? .int(0)
    }
    return fields
  }
}

extension LogLevel {
  /// `emergency` to `debug`.
  var name: String { "\(self)" }
}

extension LogLine {
  /// 4.3.
  var fields: Fields {
    [
      "agent": .string(agent.rawValue), "time": .int(Int64(clamping: time)), "level": .string(level.name),
      "message": .string(message), "event": (event?.description).orNull,
    ]
  }
}

extension DeviceStatus {
  /// 4.4.
  func fields(at now: Instant) -> Fields {
    var fields: Fields = [
      "device": .string(id.rawValue), "kind": .string(kind), "driver": .string(driver), "state": .string(state),
    ]
    if let reading { for (name, value) in reading.fields(at: now) { fields[name] = value } }
    if kind == "actuator" {
      fields["holder"] = holder.orNull
      fields["lease_ms"] = leaseRemaining?.milliseconds ?? .null
      fields["denials"] = .int(Int64(clamping: denials))
    }
    fields["limits"] = .list(limits.map(Value.string))
    fields["fault"] = fault.orNull
    fields["faults"] = .int(Int64(clamping: faults))
    fields["watchers"] = .int(Int64(watchers))
    return fields
  }
}

extension Reading {
  /// 4.5, without the device.
  func fields(at now: Instant) -> Fields {
    [
      "value": .double(value), "unit": .string(unit), "time_ns": .int(Int64(clamping: time)),
      "age_ms": max(.zero, now - Instant(nanoseconds: time)).milliseconds, "quality": .string(quality.rawValue),
    ]
  }
}

extension Receipt {
  /// 4.6.
  /// - Parameter lease: the one that the command left behind; nil when nothing is held.
  func fields(_ device: DeviceID, _ lease: (end: Instant, limit: String?)?) -> Fields {
    let length = lease.map { $0.end - Instant(nanoseconds: at) }
    return [
      "device": .string(device.rawValue), "id": .string(id.description), "state": .double(state),
      "previous": .double(previous), "at_ns": .int(Int64(clamping: at)),
      "lease_ms": length?.milliseconds ?? .null, "limit": (lease?.limit).orNull,
    ]
  }
}

extension RuleStatus {
  /// 4.8.
  func fields(at now: Instant) -> Fields {
    [
      "rule": .string(id.rawValue), "trigger": .string(trigger), "condition": condition.orNull,
      "actions": .list(actions.map(Value.string)), "location": .string(location.description),
      "fired": .int(Int64(clamping: fired)), "last_fired_ms_ago": lastFired.map { (now - $0).milliseconds } ?? .null,
      "last_error": lastError.orNull,
    ]
  }
}

extension RuleVerdict {
  /// 4.8.
  var fields: Fields { ["rule": .string(rule.rawValue), "fires": .bool(fires), "reason": .string(reason)] }
}

extension Manifest {
  /// An entry of `registry.list`.
  var fields: Fields {
    [
      "agent": .string(id.rawValue), "name": .string(name), "version": .string(version),
      "description": .string(description), "driver": .string(runtime.driver.rawValue),
      "entry": .string(runtime.entry), "lifecycle": .string(runtime.lifecycle.rawValue),
      "subscribe": .list(subscribe.map { .string($0.text) }), "file": .string(file),
    ]
  }
}
