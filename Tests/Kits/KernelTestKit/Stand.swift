import EventLoop
import HAL
import HALLinux
import HALSimulated
import Linux
import Model
import Orchestrator

/// Devices of a board behind the daemon's own parts: loop, event log, gate and Linux backend.
package final class Stand {
  package let loop: EventLoop
  package let board: Board
  package let backend: any Backend
  package let log: EventLog
  package let hardware: Hardware
  /// All events since the start, including those that the log's ring has dropped.
  package private(set) var events: [Event] = []
  private var isClosed = false

  /// The principal of all requests in tests.
  package static let everybody = Principal(name: "client/ring", permissions: .all)

  /// Assembles the parts and opens the devices.
  /// - Parameters:
  ///   - devices: the devices to use; nil for all of the board.
  ///   - simulates: whether every device is simulated, as by `openstarryd --simulate`.
  ///   - change: changes a device's declaration for the test.
  /// - Throws: `Skip` when the board does not have a device.
  package init(
    _ board: Board, _ devices: [DeviceID]? = nil, simulates: Bool = false, change: (inout Device) -> Void = { _ in }
  ) throws {
    var board = board
    if let devices {
      for id in devices where board.device(id) == nil { throw Skip("the board file has no device '\(id)'") }
      board.devices = board.devices.filter { devices.contains($0.id) }
    }
    for index in board.devices.indices { change(&board.devices[index]) }
    if simulates { board = SimulatedBoard.replacing(board) }
    self.board = board
    let loop = try EventLoop()
    self.loop = loop
    log = EventLog(clock: loop, capacity: 4096, depthLimit: 16, later: { loop.later($0) })
    backend = simulates ? SimulatedBackend(board: board, clock: loop, seed: 1) : LinuxBackend(board: board, loop: loop)
    hardware = Hardware(board: board, backend: backend, clock: loop, events: log)
    _ = log.listen(EventPattern("*")) { [unowned self] in events.append($0) }
    hardware.open()
  }

  /// Closes the hardware; a second call does nothing.
  package func close(_ mode: Hardware.Closing = .asDeclared) {
    guard !isClosed else { return }
    isClosed = true
    hardware.close(mode)
  }

  /// The backend of the kernel's devices.
  /// - Throws: every device is simulated.
  package var linux: LinuxBackend {
    get throws {
      guard let linux = backend as? LinuxBackend else { throw Failure("every device is simulated") }
      return linux
    }
  }

  // MARK: Waiting

  /// Turns the loop until a condition holds.
  /// - Parameters:
  ///   - what: the condition for the failure's message.
  ///   - limit: the longest wait.
  ///   - polling: the interval of checks for a condition that does not wake the loop; nil if it does.
  ///   - isSo: the condition.
  package func wait(
    _ what: String, within limit: Duration = .seconds(20), polling: Duration? = nil, file: String = #fileID,
    line: Int = #line, until isSo: () throws -> Bool
  ) throws {
    let deadline = loop.now + limit
    while true {
      if try isSo() { return }
      guard loop.now < deadline else {
        let last = events.suffix(3).map { "\($0.type) \($0.payload.map { "\($0.key)=\($0.value)" })" }
        throw Failure("\(what): not within \(limit.text); last were \(last)", file: file, line: line)
      }
      let timer = loop.schedule(at: polling.map { min(loop.now + $0, deadline) } ?? deadline) {}
      loop.turn(wait: true)
      loop.cancel(timer)
    }
  }

  /// Turns the loop for this time.
  package func turn(for time: Duration) {
    var isOver = false
    loop.schedule(after: time) { isOver = true }
    while !isOver { loop.turn(wait: true) }
  }

  // MARK: Events

  /// The events of a type, oldest first; only those of `source` if it is given.
  package func events(_ type: String, from source: DeviceID? = nil) -> [Event] {
    events.filter { $0.type == type && (source == nil || $0.source == source?.rawValue) }
  }

  /// Waits until there are at least `count` events of a type.
  /// - Returns: the event number `count`.
  @discardableResult
  package func wait(
    for type: String, from source: DeviceID? = nil, count: Int = 1, within limit: Duration = .seconds(20),
    file: String = #fileID, line: Int = #line
  ) throws -> Event {
    try wait("\(type)\(source.map { " of \($0)" } ?? "") (\(count))", within: limit, file: file, line: line) {
      self.events(type, from: source).count >= count
    }
    return events(type, from: source)[count - 1]
  }

  // MARK: Asynchronous calls

  /// Takes a new measurement of a sensor.
  package func read(_ id: DeviceID) throws -> Reading {
    // Let the 10 ms cache of the chip's last answer expire.
    turn(for: .milliseconds(12))
    var answer: Result<Reading, HALError>?
    hardware.getSensorData(id, as: Self.everybody) { answer = $0 }
    try wait("a reading of \(id)") { answer != nil }
    guard let answer else { throw Failure("no answer") }
    return try answer.get()
  }

  /// The fault of a new measurement of a sensor; nil when it succeeds.
  package func fault(_ id: DeviceID) throws -> HALError.Fault? {
    do {
      _ = try read(id)
      return nil
    } catch HALError.failed(_, _, let fault) { return fault }
  }

  /// Takes a picture.
  package func snapshot(_ id: DeviceID) throws -> [UInt8] {
    var answer: Result<[UInt8], HALError>?
    hardware.snapshot(id, as: Self.everybody) { answer = $0 }
    try wait("a picture of \(id)") { answer != nil }
    guard let answer else { throw Failure("no answer") }
    return try answer.get()
  }

  /// Commands an actuator as `holder`.
  @discardableResult
  package func control(
    _ id: DeviceID, _ command: ActuatorCommand, lease: Duration? = nil, as holder: String = "client/ring"
  ) throws -> Receipt {
    let principal = Principal(name: holder, permissions: .all)
    return try hardware.controlActuator(id, command, lease: lease, as: principal)
  }
}
