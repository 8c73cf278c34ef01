import CLinux

extension Companion {
  /// Gives up root's rights, if the process has them: becomes `user`, or `nobody` when there is no such user. Ends the
  /// process when that fails.
  package static func dropRoot(to user: StaticString, program: StaticString) {
    guard geteuid() == 0 else { return }
    var (uid, gid): (UInt32, UInt32) = (65534, 65534)
    // SAFETY: a literal ends with a zero byte; the result is the C library's own structure, valid until the next call.
    let name = unsafe UnsafeRawPointer(user.utf8Start).assumingMemoryBound(to: CChar.self)
    if let account = unsafe getpwnam(name) {
      uid = unsafe account.pointee.pw_uid
      gid = unsafe account.pointee.pw_gid
    }
    guard setgroups(0, nil) == 0, setgid(gid) == 0, setuid(uid) == 0, geteuid() != 0 else {
      end(program, "root's rights could not be given up", openstarry_errno(), 77)
    }
  }

  /// The connection to the daemon: descriptor 3, or the first connection of its user to the socket there, on which systemd
  /// listens for us (sd_listen_fds(3)). A process that the daemon has started dies with it.
  package static func connection(program: StaticString) -> Int32 {
    var isListening: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    // SAFETY: the kernel writes one int.
    guard unsafe getsockopt(3, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0 else {
      end(program, "openstarryd starts this program; it does nothing on its own", 0, 64)
    }
    if isListening == 0 {
      _ = openstarry_die_with_parent()
      return 3
    }
    var owner: UInt32 = 0
    // SAFETY: the shim writes one uid_t.
    guard unsafe openstarry_socket_owner(3, &owner) == 0 else {
      end(program, "the owner of the socket that systemd listens on cannot be found out", openstarry_errno(), 71)
    }
    while true {
      let connection = openstarry_accept(3)
      var peer = openstarry_peer()
      // SAFETY: the kernel fills in the structure.
      if connection >= 0, unsafe openstarry_peer_of(connection, &peer) == 0, peer.uid == owner || peer.uid == 0 {
        return connection
      }
      if connection >= 0 { close(connection) }
    }
  }

  /// Writes a line to the log.
  /// - Parameter errno: 0 for none.
  package static func write(_ program: StaticString, _ text: StaticString, _ errno: Int32) {
    var line = LineText(program: program)
    line.add(text)
    if errno != 0 {
      line.add(": ")
      line.add(error: errno)
    }
    line.write()
  }

  /// Writes a line to the log and ends the process.
  /// - Parameter errno: 0 for none.
  package static func end(_ program: StaticString, _ text: StaticString, _ errno: Int32, _ code: Int32) -> Never {
    write(program, text, errno)
    exit(code)
  }
}
