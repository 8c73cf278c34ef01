import Glibc
import HAL
import Linux
import Model
import RPC
import Wire

/// Admits clients, and ends leases with their connections: `docs/control.md`, 1.3 to 1.6.
extension ControlServer {
  /// The number of buffered bytes of incomplete lines, over all clients.
  var incomplete: Int { connections.values.reduce(0) { $0 + $1.incomplete } }

  /// The number of unsent bytes, over all clients.
  var waiting: Int { connections.values.reduce(0) { $0 + $1.waiting } }

  /// Serves a new connection, keeps it for an emergency stop only, or refuses it.
  /// - Parameter isLast: whether it uses the acceptor's reserved descriptor.
  func welcome(_ socket: consuming Descriptor, isLast: Bool) {
    guard let roles, let peer = peer(socket.number) else { return }
    let user = accounts.user(peer.uid)
    guard let role = grant(roles, peer) else {
      return refuse(
        socket,
        RPCError(
          .permissionDenied, "user '\(user)' may not use this daemon",
          hint: "join the group '\(settings.viewGroup ?? "openstarry")'"))
    }
    let client = Client(
      user: user, uid: peer.uid, pid: peer.pid, role: role, isApprover: roles.isApprover(peer))
    // The kernel assigns the lowest free number, so the number shows how many descriptors are open.
    let most = sysconf(Int32(_SC_OPEN_MAX))
    let isShort = isLast || most > 0 && Int(socket.number) >= most - limits.descriptors
    let crowding = isShort ? Self.noDescriptors : crowding(client, isTrusted: roles.isTrusted(peer.uid))
    if let crowding {
      if role < ControlMethods.emergencyStop.role { return refuse(socket, crowding) }
      makeRoomInReserve(for: peer.uid)
    }
    lastConnection += 1
    let connection = Connection(
      lastConnection, client, share(of: peer.uid), socket, on: loop, time: time, limits: limits, server: self,
      crowding: crowding)
    connections[connection.number] = connection
    status.connections = connections.count
    do throws(SystemError) {
      try connection.start()
    } catch {
      connection.close()
    }
  }

  /// Sends the error as one line, and closes.
  private func refuse(_ socket: consuming Descriptor, _ error: RPCError) {
    _ = try? UnixSocket.send(socket.number, Response(id: nil, .failure(error)).encoded()[...])
  }

  func connectionClosed(_ connection: Connection) {
    connections[connection.number] = nil
    status.connections = connections.count
    endLeases(of: connection)
    acceptor?.resume()
  }

  // MARK: Room

  private static let noDescriptors = RPCError(
    .rateLimited, "the daemon has no descriptors left", hint: "only an emergency stop is accepted now; try again later")

  /// The refusal of a client for whom the limits leave no connection; nil if they leave one.
  private func crowding(_ client: Client, isTrusted: Bool) -> RPCError? {
    let isAdmin = client.role == .admin
    let served = connections.values.filter { $0.crowding == nil }
    let alike = served.count { ($0.client.role == .admin) == isAdmin }
    let ofUser = served.count { $0.client.uid == client.uid }
    let limit = isAdmin ? limits.connectionsOfAdmins : limits.connections
    guard alike >= limit || !isTrusted && ofUser >= limits.connectionsOfUser else { return nil }
    return RPCError(
      .rateLimited,
      "\(isAdmin ? "admins" : "users") have \(alike) connections, '\(client.user)' \(ofUser) of them",
      hint:
        "\(ofUser == 0 ? "wait until others have closed some" : "close some") and try again; only an emergency stop is "
        + "accepted now")
  }

  /// Closes the oldest reserved connection if one more would exceed a limit, preferably one of the same user.
  private func makeRoomInReserve(for uid: UInt32) {
    let reserve = connections.values.filter { $0.crowding != nil }.sorted { $0.number < $1.number }
    let own = reserve.filter { $0.client.uid == uid }
    let oldest = own.count >= limits.reserveOfUser ? own.first : reserve.count >= limits.reserve ? reserve.first : nil
    guard let oldest, let crowding = oldest.crowding else { return }
    oldest.turnAway(crowding)
    oldest.farewell()
  }

  /// The user's share; drops the shares of users without connections whose buckets are full again.
  private func share(of uid: UInt32) -> UserShare {
    let now = time.now
    let connected = Set(connections.values.map(\.client.uid))
    shares = shares.filter { connected.contains($0.key) || !$0.value.isRested(at: now) }
    let share = shares[uid] ?? UserShare(uid, limits, at: now)
    shares[uid] = share
    return share
  }

  // MARK: Leases

  /// The lease of a command that was approved ends with the connection that has asked for it, or not.
  func begin(leaseOf approval: Approval) {
    guard let session = approval.request.session else { return }
    let (device, outlives) = (approval.asked.device, approval.request.outlives)
    leases.note(device, endsWith: outlives ? nil : session, holder: approval.asked.asker)
    services.hardware.noteLease(device, endsWithConnection: !outlives)
  }

  /// Releases the leases that end with a connection, and gives up what it waits for.
  func endLeases(of connection: Connection) {
    services.hardware.approvals.end(session: connection.number)
    for device in leases.take(of: connection.number) {
      // Fails if the lease has expired or has been taken over: nothing to release.
      _ = try? services.hardware.release(device, holder: connection.client.source, reason: "connection-closed")
    }
  }

  /// Whether the client still has a lease that ends with this connection.
  func holdsLease(_ connection: Connection) -> Bool {
    leases.devices(of: connection.number).contains {
      services.hardware.device($0)?.holder == connection.client.source
    }
  }
}
