import Model

/// Combinations of groups and the socket's mode that are allowed, and mean something else than they seem to.
///
/// The socket belongs to the first of `view`, `operate`, `admin` that is set: where its mode lets in nobody else, the
/// members of the other groups cannot connect.
enum GroupAdvice {
  static func note(_ settings: Settings, _ groups: FieldReader) {
    let named = [("view", settings.viewGroup), ("operate", settings.operateGroup), ("admin", settings.adminGroup)]
      .compactMap { role, group in group.map { (role: role, group: $0) } }
    guard let first = named.first else { return }
    let mode = "0" + String(settings.socketMode, radix: 8)
    guard settings.socketMode & 0o002 == 0 else { return }
    guard settings.socketMode & 0o020 != 0 else {
      groups.findings.warning(
        groups.location,
        "'socket_mode' is \(mode), so that nobody but root and the daemon's user can connect, whatever 'groups' says")
      return
    }
    for other in named.dropFirst() where other.group != first.group {
      groups.findings.warning(
        groups.place(of: other.role),
        "members of '\(other.group)' who are not in '\(first.group)' cannot connect: the socket belongs to "
          + "'\(first.group)', and its mode is \(mode); 'socket_mode: \"0666\"' lets all of them in, and their roles "
          + "still decide")
    }
    if first.role == "view", settings.operateGroup == nil {
      groups.findings.warning(
        groups.location,
        "'operate' is not set: of the members of '\(first.group)', who alone can connect, those may act who are in the "
          + "group that the daemon runs as, too")
    }
  }
}
