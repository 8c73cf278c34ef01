import CLinux
import EventLoop
import Glibc
import Guardian
import HAL
import Linux
import Model
import Wire

/// The daemon's connection to its guardian: starts it, keeps its records up to date, restarts it when it ends, and
/// takes over from the guardian of the previous daemon.
///
/// Use it in this order: `start`; open the hardware with this object as guard and keeper; `charge`; and at the
/// shutdown, once the outputs are in their final state, `end`. To the guardian, a process that ends without `end` has
/// died. Loop thread only.
package final class GuardianLink {
  /// The state of the guardian.
  package enum State: Sendable, Hashable {
    /// It was started, with this process id, and has not reported yet that it is up.
    case starting(Int32)
    /// It runs, with this process id.
    case running(Int32)
    /// It has ended, could not be started, or did not come up; a restart is scheduled.
    case lost
    /// Its program is not installed.
    case missing
    /// The daemon is stopping and has ended it.
    case ended
    /// The daemon is stopping and has left outputs to it that refuse to be safe or must stay driven.
    case left(Int32)
  }

  /// What is responsible for the outputs of a daemon.
  package enum Heir {
    /// Nothing: there is no guardian.
    case nobody
    /// The daemon itself, which lives.
    case daemon
    /// A guardian whose daemon has ended, with the outputs that it could not make safe so far.
    case guardian(notSafe: [Refusing])
  }

  /// An output that a guardian could not make safe so far.
  package struct Refusing: Sendable {
    /// The output's id on the board.
    package var device: DeviceID
    /// The reason, as the C library's text of an errno.
    package var why: String
    /// Whether the guardian retries; false for hardware that has gone, which must be reopened.
    package var isTriedAgain: Bool

    init(_ output: KeptOutput) {
      device = DeviceID(String(decoding: output.record.device, as: UTF8.self))
      why = SystemError.text(output.errno)
      isTriedAgain = output.errno != ENODEV
    }
  }

  private struct Ward {
    var record: GuardianRecord
    /// The steps at the end of a lease, if they differ from the record's.
    var lapse: [GuardianStep]?
    /// Duplicates, owned here, so that a restarted guardian gets them too.
    var descriptors: [Int32] = []
  }

  /// The current state.
  package private(set) var state = State.lost
  /// How long a guardian may take to come up.
  package static let patience = Duration.seconds(3)

  /// The guardian's process, as far as it is known to run.
  private var process: Int32? {
    switch state {
    case .starting(let pid), .running(let pid): pid
    case .lost, .missing, .ended, .left: nil
    }
  }
  /// The latest reason why there was no guardian, for people; nil if there always was one.
  package private(set) var problem: String?
  /// Restarts of the guardian.
  package private(set) var restarts = 0
  /// Called for each overdue lease that the guardian has ended because this process hung.
  package var onOverruled: (OverruledOutput) -> Void = { _ in }

  private let loop: EventLoop
  private let events: any EventSink
  private let path: String
  private let program: String?
  private let map: HolderMap
  private var wards: [DeviceID: Ward] = [:]
  private var order: [DeviceID] = []
  /// The outputs with `on_exit: keep-driving`.
  private var drivenOn: Set<DeviceID> = []
  private var predecessors: [Predecessor] = []
  /// Leases of the previous daemon, of outputs that were claimed or have no identity to compare.
  private var left: [DeviceID: OutputHold] = [:]
  private var connection: GuardianSocket?
  private var hearing: WatchID?
  private var leases = LeaseWatch()
  private var isCharged = false
  private var isEnding = false
  private var pause = Duration.milliseconds(10)

  /// Prepares for a board; starts nothing.
  /// - Parameters:
  ///   - loop: the loop on which this object is used.
  ///   - events: where events about the guardian are published.
  ///   - socket: the daemon's control socket. The guardian listens beside it, so that the next daemon with the same
  ///     control socket finds it.
  ///   - program: the path of the guardian's program; nil when there is none.
  ///   - actuators: all actuators of the board, with their `on_exit`.
  /// - Throws: when there is no memory to share.
  package init(
    loop: EventLoop, events: any EventSink, socket: String, program: String? = GuardianProgram.find(),
    actuators: [(id: DeviceID, onExit: ActuatorSettings.OnExit)]
  ) throws(SystemError) {
    self.loop = loop
    self.events = events
    path = Self.path(beside: socket)
    self.program = program
    map = try HolderMap(slots: actuators.count)
    for (slot, actuator) in actuators.enumerated() {
      order.append(actuator.id)
      if actuator.onExit == .keepDriving { drivenOn.insert(actuator.id) }
      wards[actuator.id] = Ward(
        record: GuardianRecord(
          device: Array(actuator.id.rawValue.utf8), identity: [], slot: UInt32(slot),
          policy: GuardianRecord.Policy(actuator.onExit), steps: []))
    }
  }

  deinit { for ward in wards.values { for number in ward.descriptors { close(number) } } }

  /// The path of the socket on which the guardian of the daemon with this control socket listens.
  package static func path(beside socket: String) -> String { "\(socket).guardian" }

  /// Finds what is responsible for the outputs of the daemon with this control socket. Read-only, with one exception: a
  /// guardian that does not answer is killed.
  package static func heir(beside socket: String) -> Heir {
    switch Predecessor.find(at: path(beside: socket)) {
    case .predecessor(let guardian):
      .guardian(notSafe: guardian.outputs.filter { $0.outcome == .failed }.map(Refusing.init))
    case .guarding: .daemon
    case .nobody, .deaf: .nobody
    }
  }

  /// Ends the guardian that a dead daemon left behind: its outputs become safe and are released. Does nothing when
  /// there is none, or its daemon lives.
  /// - Returns: when it had dealt with the last output after its daemon's death; nil when there was none to end.
  @discardableResult
  package static func relieve(beside socket: String) -> Instant? {
    guard case .predecessor(let predecessor) = Predecessor.find(at: path(beside: socket)) else { return nil }
    predecessor.finish()
    return Instant(nanoseconds: predecessor.report.settled)
  }

  // MARK: Life cycle

  /// Takes over from the previous daemon's guardian, lets it make safe the outputs that are no longer on the board, and
  /// starts a guardian. Call it when this is sure to be the only daemon.
  ///
  /// Publishes `system:guardian_report` about a daemon that has died, `system:guardian_deaf` when its guardian did not
  /// answer, and `system:guardian_lost` when no guardian can be started.
  package func start() {
    // The second path is that of a daemon that died before it put its new guardian in charge.
    for place in [path, "\(path).new"] {
      switch Predecessor.find(at: place) {
      case .nobody, .guarding: continue
      case .predecessor(let predecessor): adopt(predecessor)
      case .deaf(let pid, let hasEnded):
        events.publish(
          SystemEvents.guardianDeaf(pid: pid.map { Int($0) }, hasEnded: hasEnded), from: "system")
      }
    }
    guard program != nil else {
      state = .missing
      lost("\(GuardianProgram.name) is not installed: outputs are not made safe if the daemon is killed")
      return
    }
    startGuardian()
  }

  private func adopt(_ predecessor: Predecessor) {
    publish(predecessor)
    for output in predecessor.outputs {
      let id = DeviceID(String(decoding: output.record.device, as: UTF8.self))
      guard wards[id] != nil else {
        predecessor.discard(output.record.device)
        continue
      }
      if output.record.identity.isEmpty, output.outcome == .held { left[id] = output.hold }
    }
    predecessors.append(predecessor)
  }

  /// Puts the new guardian in charge, and ends those of earlier daemons. Call it when the outputs are open.
  package func charge() {
    isCharged = true
    putInCharge()
    for predecessor in predecessors { predecessor.finish() }
    predecessors = []
    left = [:]
  }

  /// The outputs that the guardian keeps driving after an orderly exit, in the order of the board.
  package var keptDriven: [DeviceID] { order.filter { drivenOn.contains($0) && keeps($0) } }

  /// Whether the guardian has steps to make an output safe without this process.
  package func keeps(_ device: DeviceID) -> Bool {
    guard connection != nil, let ward = wards[device] else { return false }
    return !ward.record.steps.isEmpty
  }

  /// Ends the guardian at an orderly exit, when the outputs are in their final state. Waits until it has released the
  /// lines, for at most 300 ms.
  ///
  /// If an output has `on_exit: keep-driving`, the guardian stays, and keeps that output in its safe state until the
  /// next daemon takes it over.
  /// - Parameter rest: outputs that are not in their final state. The guardian continues with those that it `keeps`,
  ///   and exits when they obey, unless it stays.
  package func end(leaving rest: [DeviceID] = []) {
    isEnding = true
    guard let pid = process, connection != nil else { return }
    let driven = keptDriven
    let left = Set(rest + driven)
    if left.contains(where: keeps) {
      for id in order where !left.contains(id) { send(.withdraw(device: Array(id.rawValue.utf8))) }
      send(.leave(staying: !driven.isEmpty))
      state = connection == nil ? .ended : .left(pid)
      return drop()
    }
    guard let connection else { return }
    drop()
    Files.remove(path)
    // Kill a guardian that does not respond: it would take this exit for a death.
    if (try? connection.send(.end)) == nil || !connection.waitForEnd() { kill(pid, SIGKILL) }
    _ = try? Spawn.wait(for: pid)
    state = .ended
  }

  // MARK: The process

  private func startGuardian() {
    guard let program else { return }
    do throws(SystemError) {
      let place = "\(path).new"
      Files.remove(place)
      let listener = try UnixSocket.listen(place, mode: 0o600, packets: true)
      let (ours, theirs) = try UnixSocket.pair(packets: true)
      let socket = GuardianSocket(Descriptor(owning: ours), peer: "guardian", patience: 300)
      let other = Descriptor(owning: theirs)
      let pid = try Spawn.start(
        program, [GuardianProgram.name], defaultSignals: [SIGPIPE, SIGXFSZ],
        descriptors: [other.number, listener.number], ownSession: true)
      state = .starting(pid)
      connection = socket
      hearing = try loop.watch(socket.number, for: .readable) { [weak self] _ in self?.hear() }
      let began = loop.now
      try loop.onExit(of: pid) { [weak self] status in self?.ended(status, after: began) }
      send(.page, [map.file.number])
      for id in order { if let ward = wards[id] { tell(ward) } }
      if isCharged { putInCharge() }
      watchLeases()
      loop.schedule(after: Self.patience) { [weak self] in self?.giveUp(pid) }
    } catch {
      drop()
      state = .lost
      lost("\(error)")
      startLater()
    }
  }

  /// Kills a guardian that has not come up in time; `ended` then schedules a restart.
  private func giveUp(_ pid: Int32) {
    guard case .starting(pid) = state, !isEnding else { return }
    kill(pid, SIGKILL)
    drop()
  }

  private func putInCharge() {
    guard connection != nil else { return }
    send(.charge)
    do throws(SystemError) {
      let result = unsafe "\(path).new".withCString { from in unsafe path.withCString { unsafe rename(from, $0) } }
      guard result == 0 else { throw SystemError("rename", "\(path).new") }
    } catch {
      // It is in charge all the same, and the next daemon finds it under the other path.
      lost("\(error)")
    }
  }

  private func ended(_ status: ExitStatus, after began: Instant) {
    guard !isEnding else { return }
    let cameUp = if case .running = state { true } else { false }
    drop()
    state = .lost
    if loop.now - began > .seconds(60) { pause = .milliseconds(10) }
    switch status {
    case .exited(let code): lost("it ended with exit code \(code)")
    case .signalled(SIGKILL) where !cameUp: lost("it did not come up within \(Self.patience.text)")
    case .signalled(let number): lost("it was ended by signal \(number)")
    }
    startLater()
  }

  private func startLater() {
    loop.schedule(after: pause) { [weak self] in
      guard let self, !isEnding, connection == nil else { return }
      restarts += 1
      startGuardian()
    }
    pause = min(pause * 2, .seconds(30))
  }

  /// Sends a message. A guardian that does not read is killed, because it would not act either.
  private func send(_ message: GuardianMessage, _ descriptors: [Int32] = []) {
    guard let connection else { return }
    do throws(SystemError) { try connection.send(message, descriptors) } catch {
      // `ended` then schedules a restart.
      if let pid = process { kill(pid, SIGKILL) }
      drop()
    }
  }

  private func tell(_ ward: Ward) {
    send(.protect(ward.record), ward.descriptors)
    if let steps = ward.lapse { send(.lapse(device: ward.record.device, steps: steps)) }
  }

  private func drop() {
    if let hearing = hearing.take() { loop.unwatch(hearing) }
    connection = nil
  }

  /// Tells a new guardian the earliest deadline.
  private func watchLeases() {
    leases = LeaseWatch()
    guard let deadline = (0..<order.count).compactMap({ map.page.hold($0)?.deadline }).min() else { return }
    watch(deadline)
  }

  private func watch(_ deadline: UInt64) {
    if leases.mustTell(deadline, now: loop.now.nanoseconds) { send(.watch(deadline: deadline)) }
  }

  private func hear() {
    guard let connection else { return }
    switch connection.next() {
    case .message(.ready, let numbers):
      for number in numbers { close(number) }
      guard case .starting(let pid) = state else { return }
      state = .running(pid)
      if restarts > 0 { events.publish(SystemEvents.guardianBack(pid: Int(pid)), from: "system") }
    case .message(.overruled(let output), let numbers):
      for number in numbers { close(number) }
      onOverruled(output)
    case .message(_, let numbers): for number in numbers { close(number) }
    case .unknown, .nothing: break
    // `ended` handles the end of the process.
    case .ended, .failed: if let hearing = hearing.take() { loop.unwatch(hearing) }
    }
  }

  // MARK: Events

  private func lost(_ reason: String) {
    problem = reason
    events.publish(SystemEvents.guardianLost(reason: reason), from: "system")
  }

  private func publish(_ predecessor: Predecessor) {
    let report = predecessor.report
    let outputs = predecessor.outputs.compactMap { output -> SystemEvents.GuardedOutput? in
      guard report.wasLeft || output.hold != nil || output.outcome == .failed else { return nil }
      return SystemEvents.GuardedOutput(
        String(decoding: output.record.device, as: UTF8.self), outcome: "\(output.outcome)",
        holder: output.hold.map { (String(decoding: $0.holder, as: UTF8.self), $0.level) },
        error: output.errno == 0 ? nil : SystemError.text(output.errno))
    }
    events.publish(
      SystemEvents.guardianReport(
        daemon: Int(report.pid), wasLeft: report.wasLeft, count: Int(report.outputs), outputs,
        took: .nanoseconds(Int64(clamping: report.settled &- report.died)),
        ago: loop.now - Instant(nanoseconds: report.died)),
      from: "system")
  }
}

// MARK: Calls by the hardware layers

extension GuardianLink: OutputGuardian {
  package func protect(
    _ device: DeviceID, identity: String, steps: [GuardianStep], lapse: [GuardianStep]?, descriptors: [Int32]
  ) {
    guard var ward = wards[device] else { return }
    var copies: [Int32] = []
    for number in descriptors {
      let copy = openstarry_fcntl(number, F_DUPFD_CLOEXEC, 3)
      if copy >= 0 { copies.append(copy) }
    }
    ward.record.identity = Array(identity.utf8.prefix(GuardianRecord.longestIdentity))
    ward.record.steps = steps
    ward.lapse = lapse
    for number in ward.descriptors { close(number) }
    ward.descriptors = copies
    guard ward.record.isSound(descriptors: copies.count) else {
      withdraw(device)
      return lost("there are no descriptors left to guard \(device)")
    }
    wards[device] = ward
    tell(ward)
  }

  package func withdraw(_ device: DeviceID) {
    guard var ward = wards[device] else { return }
    for number in ward.descriptors { close(number) }
    ward.descriptors = []
    ward.record.steps = []
    ward.lapse = nil
    wards[device] = ward
    // A record without steps, so that the guardian still reports the holder.
    send(.protect(ward.record))
  }

  package func claim(_ device: DeviceID, identity: String) -> Int32? {
    let name = Array(device.rawValue.utf8)
    let wanted = Array(identity.utf8.prefix(GuardianRecord.longestIdentity))
    for predecessor in predecessors {
      guard let output = predecessor.outputs.first(where: { $0.record.device == name }) else { continue }
      guard output.record.identity == wanted, output.outcome != .failed else {
        predecessor.discard(name)
        continue
      }
      if output.outcome == .held { left[device] = output.hold }
      if let number = predecessor.take(name) { return number }
    }
    return nil
  }
}

// MARK: Calls by the gate

extension GuardianLink: LeaseStore {
  package func slot(of device: DeviceID) -> Int? { wards[device].map { Int($0.record.slot) } }

  package func hold(_ slot: Int, level: Double, lease: Lease, since: Instant) {
    map.page.hold(
      slot, level: level, deadline: lease.deadline.nanoseconds, since: since.nanoseconds,
      isCutByMaxOn: lease.isCutByMaxOn, holder: lease.holder.utf8)
    watch(lease.deadline.nanoseconds)
  }

  package func release(_ slot: Int) { map.page.release(slot) }

  package func inheritance(of device: DeviceID) -> OutputHold? { left.removeValue(forKey: device) }
}
