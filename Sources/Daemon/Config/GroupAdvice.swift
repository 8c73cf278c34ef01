import Model

/// Warnings about valid combinations of groups and the socket's mode with a surprising effect.
///
/// The socket belongs to the first group of `view`, `operate`, `admin` that is set. Unless its mode admits everybody,
/// members of the other groups cannot connect.
enum GroupAdvice {
  static func note(_ settings: Settings, _ groups: FieldReader) {
    let named = [("view", settings.viewGroup), ("operate", settings.operateGroup), ("admin", settings.adminGroup)]
      .compactMap { role, group in group.map { (role: role, group: $0) } }
    guard let first = named.first else { return }
    let mode = "0" + String(settings.socketMode, radix: 8)
    let isForEverybody = settings.socketMode & 0o002 != 0
    guard isForEverybody || settings.socketMode & 0o020 != 0 else {
      groups.findings.warning(
        groups.location,
        "'socket_mode' is \(mode): only root and the daemon's user can connect, regardless of 'groups'")
      return
    }
    for (lesser, one) in named.enumerated() {
      guard let greater = named.dropFirst(lesser + 1).last(where: { $0.group == one.group }) else { continue }
      groups.findings.warning(
        groups.place(of: one.role),
        "'\(one.role)' and '\(greater.role)' are the same group: every member of '\(one.group)' has the role "
          + "\(greater.role)")
    }
    if let approvers = settings.approveGroup, let other = named.last(where: { $0.group == approvers }) {
      groups.findings.warning(
        groups.place(of: "approve"),
        "'approve' and '\(other.role)' are the same group: its members' own commands wait for nobody")
    }
    if isForEverybody { return }
    let approvers = settings.approveGroup.map { [(role: "approve", group: $0)] } ?? []
    for other in named.dropFirst() + approvers where other.group != first.group {
      groups.findings.warning(
        groups.place(of: other.role),
        "members of '\(other.group)' who are not in '\(first.group)' cannot connect: the socket belongs to "
          + "'\(first.group)', and its mode is \(mode); 'socket_mode: \"0666\"' lets everybody connect, and roles "
          + "still apply")
    }
    if first.role == "view", settings.operateGroup == nil, settings.adminGroup != first.group {
      groups.findings.warning(
        groups.location,
        "'operate' is not set: only members of both '\(first.group)' and the daemon's own group may operate")
    }
  }
}
