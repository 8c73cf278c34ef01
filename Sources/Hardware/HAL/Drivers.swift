import Model

/// A hardware layer: makes drivers for the devices of a board. There are two, `HALLinux` and `HALSimulated`.
///
/// All calls and callbacks happen on the loop's thread; a layer that must block does so on its own threads.
package protocol Backend: AnyObject {
  /// Opens one device. A device that is absent is opened all the same, and reports `.gone` until it appears.
  /// - Throws: `HALError` when the device cannot work as declared (no such chip option, line in use, …).
  func open(_ device: Device) throws(HALError) -> OpenDevice

  /// Releases every opened device. Lines stay as the drivers' `release` left them.
  func close()
}

/// A device that a backend has opened.
package enum OpenDevice {
  case sensor(any SensorDriver)
  case input(any InputDriver)
  case output(any OutputDriver)
  case camera(any CameraDriver)
}

/// One quantity that can be measured.
package protocol SensorDriver: AnyObject {
  /// The symbol of the measured unit, e.g. `°C`.
  var unit: String { get }

  /// Measures once, without blocking the caller.
  /// - Parameter done: called once, on the loop's thread, within this call or later. The value is the sensor's own,
  ///   before the board's calibration and filters.
  func measure(_ done: @escaping (Result<Measurement, HALError.Fault>) -> Void)
}

/// What a sensor driver measured.
package struct Measurement: Sendable, Hashable {
  /// In the driver's unit.
  package var value: Double
  /// `suspect` when the sensor itself reports a doubtful value.
  package var quality: Reading.Quality

  /// - Parameters:
  ///   - value: in the driver's unit.
  ///   - quality: `good` unless the sensor doubts its value.
  package init(_ value: Double, quality: Reading.Quality = .good) {
    self.value = value
    self.quality = quality
  }
}

/// A line or channel that can be driven.
package protocol OutputDriver: AnyObject {
  /// Whether it accepts levels between 0 and 1.
  var isAnalogue: Bool { get }

  /// Drives the output to `level`, 0 to 1.
  /// - Parameter done: called once, on the loop's thread: within this call where the hardware answers at once (GPIO,
  ///   kernel PWM), later behind a slow bus.
  func set(_ level: Double, _ done: @escaping (Result<Void, HALError.Fault>) -> Void)

  /// Makes the line an input, or switches the output off where it has no such mode, for `on_exit: input`. Called again
  /// after a failure. The default calls `release(.input)` and succeeds.
  /// - Parameter done: as for `set`.
  func turnIntoInput(_ done: @escaping (Result<Void, HALError.Fault>) -> Void)

  /// Releases the output before the daemon exits, after the last `set`. Except for `input`, its level stays as it is.
  func release(_ mode: ActuatorSettings.OnExit)

  /// Whether the hardware can lose its level unnoticed, such as a chip with a supply of its own. Its level is then
  /// rewritten every few seconds. Default: false.
  var forgets: Bool { get }

  /// Reports the presence of the hardware from now on. A driver that cannot detect it reports nothing, and its `set`
  /// fails instead. The default reports nothing.
  /// - Parameter onPresence: called on the loop's thread; within this call with `.gone` when the hardware is absent
  ///   now.
  func watch(_ onPresence: @escaping (OutputPresence) -> Void)
}

/// A change of an output's hardware that its driver has noticed by itself.
package enum OutputPresence: Sendable, Hashable {
  /// The hardware is absent; the reason, for people.
  case gone(String)
  /// The hardware is back, in its safe state or its power-on state.
  case back
  /// The hardware had lost its configuration and level; the driver has written both again.
  case reset
}

extension OutputDriver {
  package var forgets: Bool { false }

  package func watch(_ onPresence: @escaping (OutputPresence) -> Void) {}

  package func turnIntoInput(_ done: @escaping (Result<Void, HALError.Fault>) -> Void) {
    release(.input)
    done(.success(()))
  }
}

/// A line whose edges are watched.
package protocol InputDriver: AnyObject {
  /// Whether the line is active now; nil while it cannot be read.
  var isActive: Bool? { get }

  /// Why the device is absent, for people; nil while it is present, or when the driver knows no reason. Default: nil.
  var absence: String? { get }

  /// Begins to watch.
  /// - Parameter onChange: called on the loop's thread for each change in either direction, and when the device goes or
  ///   comes back.
  func start(_ onChange: @escaping (InputChange) -> Void) throws(HALError.Fault)

  /// Ends watching.
  func stop()
}

extension InputDriver {
  package var absence: String? { nil }
}

/// A change that an input driver reports.
package enum InputChange: Sendable, Hashable {
  /// The line became active or inactive.
  case edge(Edge)
  /// The kernel dropped this many edges because they came faster than they were read.
  case lost(Int)
  /// The device is absent; the reason, for people.
  case gone(String)
  /// The device is back, with its current level.
  case back(isActive: Bool)
}

/// One change of a line.
package struct Edge: Sendable, Hashable {
  /// Whether the line became active.
  package var isActive: Bool
  /// The kernel's timestamp on the monotonic clock.
  package var time: Instant
  /// Counts the edges of this line from 1; a gap means lost edges (linux/gpio.h, `line_seqno`).
  package var sequence: UInt32

  /// Describes one edge; `sequence` starts at 1.
  package init(isActive: Bool, time: Instant, sequence: UInt32) {
    self.isActive = isActive
    self.time = time
    self.sequence = sequence
  }
}

/// A source of pictures.
package protocol CameraDriver: AnyObject {
  /// Reports from now on, streaming or not, that the camera is absent (`gone`), back (`back`), or present but unusable
  /// (`failed`). A driver that notices this only while streaming reports nothing here, which is the default.
  /// - Parameter onPresence: called on the loop's thread, within this call or later.
  func watch(_ onPresence: @escaping (CameraOutput) -> Void)

  /// Begins to stream.
  /// - Parameters:
  ///   - format: the requested format; each frame carries its actual one.
  ///   - onFrame: called on the loop's thread for each frame and for each change of the camera's condition.
  func start(_ format: FrameFormat, _ onFrame: @escaping (CameraOutput) -> Void) throws(HALError.Fault)

  /// Ends the stream; no call of `onFrame` follows.
  func stop()

  /// Turns a frame into a JPEG without blocking the loop.
  /// - Parameter done: called once, on the loop's thread.
  func encodeJPEG(_ frame: Frame, _ done: @escaping (Result<[UInt8], HALError.Fault>) -> Void)
}

extension CameraDriver {
  package func watch(_ onPresence: @escaping (CameraOutput) -> Void) {}
}

/// A frame, or a change of the camera's condition.
package enum CameraOutput: Sendable {
  case frame(Frame)
  /// The camera is absent; the reason, for people. The driver opens it again by itself when it returns.
  case gone(String)
  /// The camera is present again, or usable again.
  case back
  /// The stream failed; the driver restarts it.
  case failed(HALError.Fault)
}

/// One picture of a stream. Copies share the bytes.
package struct Frame: Sendable {
  /// Counts from the start of the stream; a gap means frames the driver dropped.
  package var sequence: UInt32
  /// The time of capture, on the monotonic clock.
  package var time: Instant
  /// The layout of the bytes. `rate` is the one that the driver granted.
  package var format: FrameFormat
  /// The pixels; rows are not padded.
  package var bytes: [UInt8]
  /// A small grey copy for motion detection and thumbnails, at most 160 pixels wide; nil when the driver made none.
  package var thumbnail: Thumbnail?

  /// Takes `bytes` as they are: they must match `format`.
  package init(sequence: UInt32, time: Instant, format: FrameFormat, bytes: [UInt8], thumbnail: Thumbnail? = nil) {
    self.sequence = sequence
    self.time = time
    self.format = format
    self.bytes = bytes
    self.thumbnail = thumbnail
  }
}

/// A small grey picture.
package struct Thumbnail: Sendable, Hashable {
  /// In pixels.
  package var width: Int
  /// In pixels.
  package var height: Int
  /// `width * height` bytes, 0 black to 255 white, row by row.
  package var grey: [UInt8]

  /// Takes `grey` as it is: it must have `width * height` bytes.
  package init(width: Int, height: Int, grey: [UInt8]) {
    self.width = width
    self.height = height
    self.grey = grey
  }
}
