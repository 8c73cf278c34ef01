import Model

/// A hardware layer: turns the devices of a board into drivers. `HALLinux` and `HALSimulated` are the two there are.
///
/// Everything happens on the loop's thread; a layer that must block does so on threads of its own and comes back.
public protocol Backend: AnyObject {
  /// Opens one device. A device that is not there now is opened all the same and reports `.gone` until it comes.
  /// - Throws: `HALError` when the declaration itself cannot work (no such chip option, line in use, …).
  func open(_ device: Device) throws(HALError) -> OpenDevice

  /// Lets go of everything that was opened. Lines are left as the drivers' `release` left them.
  func close()
}

/// A device that a backend has opened.
public enum OpenDevice {
  case sensor(any SensorDriver)
  case input(any InputDriver)
  case output(any OutputDriver)
  case camera(any CameraDriver)
}

/// One quantity that can be measured.
public protocol SensorDriver: AnyObject {
  /// The symbol of what `measure` gives, e.g. `°C`.
  var unit: String { get }

  /// Measures once.
  /// - Parameter done: called once, on the loop's thread, now or later; never blocks the caller. The value is the
  ///   sensor's own, before the board's `scale` and `offset`.
  func measure(_ done: @escaping (Result<Measurement, HALError.Fault>) -> Void)
}

/// What a sensor driver measured.
public struct Measurement: Sendable, Hashable {
  /// In the driver's unit.
  public var value: Double
  /// `suspect` when the sensor says so itself.
  public var quality: Reading.Quality

  /// Puts a measurement together.
  public init(_ value: Double, quality: Reading.Quality = .good) {
    self.value = value
    self.quality = quality
  }
}

/// A line or channel that can be driven.
public protocol OutputDriver: AnyObject {
  /// Whether levels between 0 and 1 mean something.
  var isAnalogue: Bool { get }

  /// Drives it to `level`, 0 to 1.
  /// - Parameter done: called once, on the loop's thread: within this call where the hardware answers at once (GPIO,
  ///   kernel PWM), later behind a slow bus.
  func set(_ level: Double, _ done: @escaping (Result<Void, HALError.Fault>) -> Void)

  /// Makes it an input, or switches it off where there is no such thing: what `on_exit: input` asks for at the end.
  /// Called again where it fails; unless a driver says otherwise, it is what `release` does, and never fails.
  /// - Parameter done: as for `set`.
  func turnIntoInput(_ done: @escaping (Result<Void, HALError.Fault>) -> Void)

  /// Called before the daemon ends, after the last `set`, with `hold` or `safe`: it stays driven as it is.
  func release(_ mode: ActuatorSettings.OnExit)

  /// Whether the hardware can lose its level without this process noticing, as a chip with a supply of its own does: it
  /// is told the same level every few seconds.
  var forgets: Bool { get }

  /// Tells from now on whether the hardware is there. A driver that cannot notice by itself tells nothing, and `set` fails.
  /// - Parameter onPresence: called on the loop's thread; within this call with `.gone` when it is not there now.
  func watch(_ onPresence: @escaping (OutputPresence) -> Void)
}

/// What an output driver tells of its hardware without being asked.
public enum OutputPresence: Sendable, Hashable {
  /// It is not there; why, for people.
  case gone(String)
  /// It is there again, in its safe state or as it powers up.
  case back
  /// It had lost its level and its set-up, and has been told both again.
  case reset
}

extension OutputDriver {
  public var forgets: Bool { false }

  public func watch(_ onPresence: @escaping (OutputPresence) -> Void) {}

  public func turnIntoInput(_ done: @escaping (Result<Void, HALError.Fault>) -> Void) {
    release(.input)
    done(.success(()))
  }
}

/// A line that is watched.
public protocol InputDriver: AnyObject {
  /// Whether it is active now; nil while the device is gone.
  var isActive: Bool? { get }

  /// Why it is not there now, for people; nil while it is, or where the driver knows no more than it has told.
  var absence: String? { get }

  /// Begins to watch.
  /// - Parameter onChange: called on the loop's thread for each change in either direction, and when the device goes or
  ///   comes back.
  func start(_ onChange: @escaping (InputChange) -> Void) throws(HALError.Fault)

  /// Ends watching.
  func stop()
}

extension InputDriver {
  public var absence: String? { nil }
}

/// What an input driver tells.
public enum InputChange: Sendable, Hashable {
  /// The line became active or inactive.
  case edge(Edge)
  /// The kernel dropped this many edges because they came faster than they were read.
  case lost(Int)
  /// The device is not there: why, for people.
  case gone(String)
  /// The device is back; the line is active or not.
  case back(isActive: Bool)
}

/// One change of a line.
public struct Edge: Sendable, Hashable {
  /// Whether the line became active.
  public var isActive: Bool
  /// The kernel's timestamp on the monotonic clock.
  public var time: Instant
  /// Counts the edges of this line from 1; a gap means lost edges (linux/gpio.h, `line_seqno`).
  public var sequence: UInt32

  /// Puts an edge together.
  public init(isActive: Bool, time: Instant, sequence: UInt32) {
    self.isActive = isActive
    self.time = time
    self.sequence = sequence
  }
}

/// A source of pictures.
public protocol CameraDriver: AnyObject {
  /// Tells from now on, whether it streams or not, that the camera is not there (`gone`), is there again (`back`), or is
  /// there and cannot be used (`failed`). A driver that notices nothing without streaming tells nothing here.
  /// - Parameter onPresence: called on the loop's thread, now or later.
  func watch(_ onPresence: @escaping (CameraOutput) -> Void)

  /// Begins to stream.
  /// - Parameters:
  ///   - format: what is wanted; frames say what they are.
  ///   - onFrame: called on the loop's thread for each frame and for each change of condition.
  func start(_ format: FrameFormat, _ onFrame: @escaping (CameraOutput) -> Void) throws(HALError.Fault)

  /// Ends the stream; no call of `onFrame` follows.
  func stop()

  /// Turns a frame into a JPEG without blocking the loop.
  /// - Parameter done: called once, on the loop's thread.
  func encodeJPEG(_ frame: Frame, _ done: @escaping (Result<[UInt8], HALError.Fault>) -> Void)
}

extension CameraDriver {
  public func watch(_ onPresence: @escaping (CameraOutput) -> Void) {}
}

/// What a camera driver tells.
public enum CameraOutput: Sendable {
  case frame(Frame)
  /// It is not there: why, for people. The driver opens it again by itself when it returns.
  case gone(String)
  /// It is there again, or can be used again.
  case back
  /// The stream failed and is being started again.
  case failed(HALError.Fault)
}

/// One picture. The bytes are shared, never copied, until the last holder lets go.
public struct Frame: Sendable {
  /// Counts from the start of the stream; a gap means frames the driver dropped.
  public var sequence: UInt32
  /// When it was taken, on the monotonic clock.
  public var time: Instant
  /// How the bytes are laid out. `rate` is what the driver agreed to.
  public var format: FrameFormat
  /// The picture; rows are not padded.
  public var bytes: [UInt8]
  /// A small grey copy for motion detection and thumbnails, at most 160 pixels wide; nil when the driver made none.
  public var thumbnail: Thumbnail?

  /// Puts a frame together.
  public init(sequence: UInt32, time: Instant, format: FrameFormat, bytes: [UInt8], thumbnail: Thumbnail? = nil) {
    self.sequence = sequence
    self.time = time
    self.format = format
    self.bytes = bytes
    self.thumbnail = thumbnail
  }
}

/// A small grey picture.
public struct Thumbnail: Sendable, Hashable {
  /// In pixels.
  public var width: Int
  /// In pixels.
  public var height: Int
  /// `width * height` bytes, 0 black to 255 white, row by row.
  public var grey: [UInt8]

  /// Puts a thumbnail together.
  public init(width: Int, height: Int, grey: [UInt8]) {
    self.width = width
    self.height = height
    self.grey = grey
  }
}
