import CGPIOD
import CLinux
import Glibc
import HAL
import Model

/// The owner of one requested line and of the buffer for its edges. Its deinit releases the line.
///
/// SAFETY: `request` and `buffer` are valid from init to deinit and are lent to libgpiod's calls only.
@safe final class LineRequest: HeldLine {
  private let request: OpaquePointer
  private let buffer: OpaquePointer
  private let offset: UInt32
  /// The chip's device node.
  let path: String

  /// The number of edges that one read takes at most. The kernel's buffer holds 16 for each line by default.
  private static let batch = 64

  /// Finds and requests a line.
  /// - Parameters:
  ///   - folder: the folder of device nodes, `/dev`.
  ///   - consumer: the name shown by gpioinfo(1).
  init(_ options: LineOptions, in folder: String, consumer: String) throws(LineFailure) {
    let chip = try GPIOChip.find(options, in: folder)
    let offset = try chip.offset(of: options.line)
    guard let settings = LineSettings(options), let buffer = unsafe gpiod_edge_event_buffer_new(Self.batch) else {
      throw .failed(HALError.Fault(errno: ENOMEM))
    }
    guard let request = unsafe chip.request(offset, settings, consumer: consumer) else {
      let error = errno
      unsafe gpiod_edge_event_buffer_free(buffer)
      switch error {
      case EBUSY: throw .failed(.inUse(chip.consumer(of: offset)))
      case ENODEV: throw .absent("\(chip.path) has gone")
      default: throw .failed(HALError.Fault(errno: error))
      }
    }
    unsafe self.request = request
    unsafe self.buffer = buffer
    self.offset = offset
    path = chip.path
  }

  deinit {
    unsafe gpiod_edge_event_buffer_free(buffer)
    unsafe gpiod_line_request_release(request)
  }

  /// For watching only; this object closes it.
  var descriptor: Int32 { unsafe gpiod_line_request_get_fd(request) }

  /// Whether the line is active.
  func isActive() throws(HALError.Fault) -> Bool {
    switch unsafe gpiod_line_request_get_value(request, offset) {
    case GPIOD_LINE_VALUE_ACTIVE: return true
    case GPIOD_LINE_VALUE_INACTIVE: return false
    default: throw HALError.Fault(errno: errno)
    }
  }

  /// Reads the pending edges, at most one batch. Blocks when there are none, so call it when the descriptor is
  /// readable.
  func readEdges() throws(HALError.Fault) -> [Edge] {
    // SAFETY: the buffer has room for a batch.
    let count = unsafe gpiod_line_request_read_edge_events(request, buffer, Self.batch)
    guard count >= 0 else { throw HALError.Fault(errno: errno) }
    return (0..<UInt(count)).compactMap { index in
      // SAFETY: the event belongs to the buffer and is valid until the next read.
      guard let event = unsafe gpiod_edge_event_buffer_get_event(buffer, index) else { return nil }
      return unsafe Edge(
        isActive: gpiod_edge_event_get_event_type(event) == GPIOD_EDGE_EVENT_RISING_EDGE,
        time: Instant(nanoseconds: gpiod_edge_event_get_timestamp_ns(event)),
        sequence: UInt32(truncatingIfNeeded: gpiod_edge_event_get_line_seqno(event)))
    }
  }

  /// Discards the edges that came before watching began.
  /// - Returns: the sequence number of the last one; nil when there were none.
  func discardEdges() throws(HALError.Fault) -> UInt32? {
    var last: UInt32?
    // Bounded: a line that changes faster than this loop reads must not block the event loop.
    for _ in 0..<16 {
      let ready = unsafe gpiod_line_request_wait_edge_events(request, 0)
      guard ready >= 0 else { throw HALError.Fault(errno: errno) }
      guard ready > 0 else { break }
      last = try readEdges().last?.sequence ?? last
    }
    return last
  }
}
