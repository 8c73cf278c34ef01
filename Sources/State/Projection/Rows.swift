import Agent
import HAL
import Model
import Rules

// Objects of the control protocol (docs/control.md, section 4). Lists consist of these rows, and the branches of the
// tree are made from them.

extension AgentStatus {
  /// The agent's row, section 4.2.
  package func fields(at now: Instant) -> Fields {
    [
      "agent": .string(id.rawValue), "name": .string(name), "driver": .string(driver.rawValue),
      "state": .string(state.rawValue), "enabled": .bool(isEnabled), "pid": pid.map { .int(Int64($0)) } ?? .null,
      "uptime_ms": started.map { (now - $0).milliseconds } ?? .null, "activations": .int(Int64(clamping: activations)),
      "failures": .int(Int64(clamping: failures)), "refusals": .int(Int64(clamping: refusals)),
      "restarts": .int(Int64(clamping: restarts)),
      "queued": .int(Int64(queued)), "dropped": .int(Int64(clamping: dropped)),
      "last_exit": (lastExit?.rawValue).orNull, "last_error": lastError.orNull, "last_refusal": lastRefusal.orNull,
      "parent": (parent?.rawValue).orNull, "budgets": .list(budgets.map { .map($0.fields) }),
      "shadow": .bool(isShadow),
    ]
  }
}

extension DeviceStatus {
  /// The device's row, section 4.4.
  package func fields(at now: Instant) -> Fields {
    var fields: Fields = [
      "device": .string(id.rawValue), "kind": .string(kind), "driver": .string(driver), "state": .string(state),
    ]
    if let name { fields["name"] = .string(name) }
    if let reading { for (name, value) in reading.fields(at: now) { fields[name] = value } }
    if kind == "actuator" {
      fields["holder"] = holder.orNull
      fields["lease_ms"] = leaseRemaining?.milliseconds ?? .null
      fields["denials"] = .int(Int64(clamping: denials))
    }
    fields["limits"] = .list(limits.map(Value.string))
    fields["fault"] = fault.orNull
    // Only what there is.
    fields["no_effect"] = noEffect.map { .map($0.fields) }
    fields["faults"] = .int(Int64(clamping: faults))
    fields["watchers"] = .int(Int64(watchers))
    return fields
  }
}

extension Reading {
  /// The reading, section 4.5, without the device's id.
  package func fields(at now: Instant) -> Fields {
    var fields = self.fields
    fields["age_ms"] = max(.zero, now - Instant(nanoseconds: time)).milliseconds
    return fields
  }
}

extension RuleStatus {
  /// The rule's row, section 4.8.
  package func fields(at now: Instant) -> Fields {
    var fields: Fields = [
      "rule": .string(id.rawValue), "trigger": .string(trigger), "condition": condition.orNull,
      "actions": .list(actions.map(Value.string)), "location": .string(location.description),
      "fired": .int(Int64(clamping: fired)), "failed": .int(Int64(clamping: failed)),
      "last_fired_ms_ago": lastFired.map { (now - $0).milliseconds } ?? .null,
      "last_error": lastError.orNull, "enabled": .bool(isEnabled),
    ]
    if isShadow { fields["shadow"] = true }
    // Only what there is: most rules are event rules.
    fields["state"] = state.map { .string($0.rawValue) }
    fields["state_ms"] = since.map { (now - $0).milliseconds }
    fields["unknown"] = unknown.map(Value.string)
    fields["claim"] = claim.map { .string($0.text(at: now)) }
    fields["next_ms"] = next.map { .int(Int64(clamping: $0)) }
    return fields
  }

  /// The rule's branch of the tree: only counters, so that the tree of 10,000 rules fits into an answer.
  var counters: Fields {
    var fields: Fields = ["fired": .int(Int64(clamping: fired)), "failed": .int(Int64(clamping: failed))]
    fields["last_error"] = lastError.map(Value.string)
    if isShadow { fields["shadow"] = true }
    return fields
  }
}

extension BudgetStatus {
  /// Budgets keyed by resource.
  static func byResource(_ budgets: [BudgetStatus]) -> Fields {
    Fields(budgets.map { ($0.resource.rawValue, .map($0.fields)) })
  }
}

extension Duration {
  /// The duration in milliseconds, rounded towards zero.
  package var milliseconds: Value { .int(nanoseconds / 1_000_000) }
}

extension Optional where Wrapped == String {
  /// The text as a value; null for nil.
  package var orNull: Value { map(Value.string) ?? .null }
}
