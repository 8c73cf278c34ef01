import HAL
import Model

/// A camera that draws its scene. It uses no resources while it does not stream.
final class SimulatedCamera: CameraDriver, Injectable {
  private struct Size: Equatable {
    var width: Int
    var height: Int
  }

  private let device: DeviceID
  private let world: World
  private let scene: Scene
  private let encoder: JPEGEncoder?
  private var format = FrameFormat()
  private var onFrame: ((CameraOutput) -> Void)?
  private var onPresence: (CameraOutput) -> Void = { _ in }
  private var timer: TimerID?
  private var plugTimer: TimerID?
  private var interval = Duration.zero
  private var due = Instant(nanoseconds: 0)
  private var sequence: UInt32 = 0
  private var isPresent = true
  private var plan: FaultPlan?
  private var stuckSince: Duration?
  /// The backgrounds of the sizes in use: the picture's and the thumbnail's.
  private var backgrounds: [(size: Size, grey: [UInt8])] = []

  init(_ device: Device, _ world: World, encoder: JPEGEncoder?) throws(HALError) {
    self.device = device.id
    self.world = world
    self.encoder = encoder
    scene = try Scene(device.id, device.options["scene"])
  }

  func watch(_ onPresence: @escaping (CameraOutput) -> Void) {
    self.onPresence = onPresence
    if !isPresent { onPresence(.gone(FaultPlan.absence)) }
  }

  func start(_ format: FrameFormat, _ onFrame: @escaping (CameraOutput) -> Void) throws(HALError.Fault) {
    stop()
    if let plan, plan.kind == .nack, self.plan?.strikes(at: world.clock.now) ?? false { throw .noAcknowledge }
    self.format = format
    self.format.width = min(4096, max(2, format.width) / 2 * 2)
    self.format.height = min(4096, max(2, format.height) / 2 * 2)
    self.format.rate = min(120, max(0.1, format.rate))
    switch format.pixels {
    case .grey, .yuyv, .rgb24: break
    case .mjpeg, .nv12: self.format.pixels = .rgb24
    }
    self.onFrame = onFrame
    interval = .nanoseconds(Int64(1e9 / self.format.rate))
    due = world.clock.now
    sequence = 0
    scheduleNext()
  }

  func stop() {
    onFrame = nil
    if let timer { world.clock.cancel(timer) }
    timer = nil
    backgrounds = []
  }

  func encodeJPEG(_ frame: Frame, _ done: @escaping (Result<[UInt8], HALError.Fault>) -> Void) {
    guard let encoder else { return done(.failure(.protocolViolation("this simulation has no JPEG encoder"))) }
    encoder(frame, done)
  }

  private func scheduleNext() {
    let now = world.clock.now
    due = due + interval
    // Do not catch up after the process was paused.
    if due < now { due = now + interval }
    timer = world.clock.schedule(at: due) { [weak self] in self?.expose() }
  }

  private func expose() {
    timer = nil
    guard isPresent, let onFrame else { return }
    scheduleNext()
    if let plan, self.plan?.strikes(at: world.clock.now) ?? false {
      switch plan.kind {
      case .nack, .timeout, .checksum:
        if let fault = plan.fault { onFrame(.failed(fault)) }
        return
      case .slow: due = due + plan.delay
      case .stuck, .unplug, .brownout: break
      }
    } else {
      stuckSince = nil
    }
    sequence += 1
    onFrame(.frame(frame(world.clock.now)))
  }

  private func frame(_ now: Instant) -> Frame {
    let elapsed = stuckSince ?? world.elapsed(now)
    let small = Self.thumbnailSize(format)
    let grey = picture(small, elapsed)
    let thumbnail = Thumbnail(width: small.width, height: small.height, grey: grey)
    let size = Size(width: format.width, height: format.height)
    let bytes =
      format.pixels == .grey && size == small ? grey : Self.encode(picture(size, elapsed), as: format.pixels)
    return Frame(sequence: sequence, time: now, format: format, bytes: bytes, thumbnail: thumbnail)
  }

  private static func thumbnailSize(_ format: FrameFormat) -> Size {
    let width = min(160, format.width)
    return Size(width: width, height: max(1, format.height * width / format.width))
  }

  private func picture(_ size: Size, _ elapsed: Duration) -> [UInt8] {
    // The noise depends on the time alone, so that every picture of one moment is the same.
    var source = Noise(seed: world.seed, device.rawValue, UInt64(clamping: elapsed.nanoseconds))
    return scene.picture(
      elapsed, width: size.width, height: size.height, over: background(size), noise: &source)
  }

  private func background(_ size: Size) -> [UInt8] {
    if let known = backgrounds.first(where: { $0.size == size }) { return known.grey }
    let grey = Scene.background(width: size.width, height: size.height, seed: world.seed)
    backgrounds.append((size, grey))
    return grey
  }

  /// Converts grey levels: to RGB with a green tint, or to YUYV without colour (videodev2.h).
  private static func encode(_ grey: [UInt8], as pixels: FrameFormat.PixelFormat) -> [UInt8] {
    guard pixels != .grey else { return grey }
    var bytes: [UInt8] = []
    if pixels == .yuyv {
      bytes.reserveCapacity(grey.count * 2)
      for level in grey {
        bytes.append(level)
        bytes.append(128)
      }
    } else {
      bytes.reserveCapacity(grey.count * 3)
      for level in grey {
        bytes.append(UInt8(Int(level) * 7 / 8))
        bytes.append(level)
        bytes.append(UInt8(Int(level) * 3 / 4))
      }
    }
    return bytes
  }

  // MARK: Manual control

  func take(_ plan: FaultPlan?) {
    if let plugTimer { world.clock.cancel(plugTimer) }
    plugTimer = nil
    self.plan = plan
    stuckSince = plan?.kind == .stuck ? world.elapsed(world.clock.now) : nil
    if let plan, plan.kind == .unplug {
      if isPresent {
        isPresent = false
        if let timer { world.clock.cancel(timer) }
        timer = nil
        onPresence(.gone(FaultPlan.absence))
      }
      if let end = plan.end { plugTimer = world.clock.schedule(at: end) { [weak self] in self?.take(nil) } }
    } else if !isPresent {
      isPresent = true
      if onFrame != nil {
        due = world.clock.now
        scheduleNext()
      }
      onPresence(.back)
    }
  }

  func take(_ change: Fields) throws(HALError) -> Bool { false }
}
