import CLinux
import EventLoop
import HAL
import Linux
import Model

/// A V4L2 camera. The loop polls its descriptor; opening, dequeuing, copying and scaling happen on its worker.
///
/// While it does not stream, its presence is checked at the start and whenever a video device comes or goes.
final class V4L2Camera: CameraDriver {
  /// The state on the worker's thread.
  private struct CaptureState {
    var stream: CaptureStream?
    var codec: JPEGCodec?
  }

  private struct Opened: Sendable {
    var descriptor: Int32
    var rate: Double
  }

  private let loop: EventLoop
  private let node: CameraNode
  private let encoder: JPEGEncoder
  private let nodes: NodeWatch
  private let worker: Worker<CaptureState>

  private var onFrame: ((CameraOutput) -> Void)?
  private var onPresence: ((CameraOutput) -> Void)?
  private var wanted = FrameFormat()
  /// Grows with each start, stop and failure; results of an earlier generation are discarded.
  private var generation = 0
  /// The descriptor, owned by the stream; nil while the camera is closed.
  private var descriptor: Int32?
  private var watch: WatchID?
  private var subscription: UInt64?
  private var backoff = Backoff(first: .milliseconds(100))
  private var timer: TimerID?
  private var isGone = false
  private var lastFault: HALError.Fault?
  private var frames = 0

  /// - Parameter node: reopened at each attempt.
  init(_ id: DeviceID, _ node: CameraNode, loop: EventLoop, nodes: NodeWatch, encoder: JPEGEncoder) {
    self.loop = loop
    self.node = node
    self.encoder = encoder
    self.nodes = nodes
    worker = Worker(String("cam-\(id)".prefix(15)), on: loop) { CaptureState() }
  }

  func start(_ format: FrameFormat, _ onFrame: @escaping (CameraOutput) -> Void) throws(HALError.Fault) {
    stop()
    self.onFrame = onFrame
    wanted = format
    lastFault = nil
    backoff.reset()
    cancelTimer()
    followNodes()
    open()
  }

  func stop() {
    guard onFrame != nil else { return }
    onFrame = nil
    shut()
    if onPresence == nil { ignoreNodes() } else if isGone { lookLater() }
  }

  func watch(_ onPresence: @escaping (CameraOutput) -> Void) {
    self.onPresence = onPresence
    followNodes()
    if onFrame == nil { look() }
  }

  /// Ends streaming and watching.
  func close() {
    onPresence = nil
    stop()
    generation += 1
    cancelTimer()
    ignoreNodes()
  }

  func encodeJPEG(_ frame: Frame, _ done: @escaping (Result<[UInt8], HALError.Fault>) -> Void) {
    encoder.encode(frame, done)
  }

  /// Unfinished jobs of the worker.
  var pending: Int { worker.pending }

  // MARK: Presence

  private func followNodes() {
    guard subscription == nil else { return }
    subscription = nodes.add("video") { [weak self] _, change in self?.nodesChanged(change) }
  }

  private func ignoreNodes() {
    if let subscription { nodes.remove(subscription) }
    subscription = nil
  }

  /// A video node appeared, vanished or changed its permissions.
  private func nodesChanged(_ change: NodeWatch.Change) {
    let isStreaming = onFrame != nil
    if isStreaming, change == .vanished || descriptor != nil || timer == nil { return }
    // Try after a pause: udev sets the permissions and the link under /dev/v4l/by-id a moment after the node appears.
    backoff.reset()
    if isStreaming { openLater() } else { lookLater() }
  }

  /// Checks the camera's presence while it does not stream.
  private func look() {
    generation += 1
    let (generation, node) = (generation, node)
    worker.submit { _ in
      Result { () throws(HALError.Fault) in try node.check() }
    } then: { [weak self] result in
      guard let self, generation == self.generation else { return }
      switch result {
      case .success: isUsable()
      case .failure(let fault):
        lookLater()
        tell(fault)
      }
    }
  }

  private func lookLater() {
    cancelTimer()
    timer = loop.schedule(after: backoff.next()) { [weak self] in
      self?.timer = nil
      self?.look()
    }
  }

  private func isUsable() {
    backoff.reset()
    guard isGone || lastFault != nil else { return }
    (isGone, lastFault) = (false, nil)
    onFrame?(.back)
    onPresence?(.back)
  }

  private func tell(_ fault: HALError.Fault) {
    if fault.isGone {
      if !isGone {
        isGone = true
        onFrame?(.gone("\(fault)"))
        onPresence?(.gone("\(fault)"))
      }
    } else if fault != lastFault {
      // Retries that fail in the same way are not reported again.
      onFrame?(.failed(fault))
      onPresence?(.failed(fault))
    }
    lastFault = fault
  }

  private func cancelTimer() {
    if let timer { loop.cancel(timer) }
    timer = nil
  }

  // MARK: Opening and closing

  private func open() {
    generation += 1
    let (generation, node, wanted) = (generation, node, wanted)
    worker.submit { bench in
      Result { () throws(HALError.Fault) in
        bench.stream = nil
        try node.check()
        let stream = try CaptureStream.open(node.file, wanted)
        bench.stream = stream
        return Opened(descriptor: stream.descriptor, rate: stream.format.rate)
      }
    } then: { [weak self] result in
      guard let self, generation == self.generation else { return }
      switch result {
      case .success(let opened): begin(opened)
      case .failure(let fault): fail(fault)
      }
    }
  }

  private func begin(_ opened: Opened) {
    descriptor = opened.descriptor
    guard arm() else { return }
    expectFrames(within: max(.seconds(5), .seconds(4 / max(opened.rate, 0.001))))
    if isGone { isUsable() }
    // The gate publishes a recovery only with the next frame; here the fault is only forgotten.
    backoff.reset()
    lastFault = nil
  }

  /// Closes the camera and discards results of pending jobs.
  private func shut() {
    generation += 1
    disarm()
    descriptor = nil
    cancelTimer()
    worker.submit { bench in
      bench = CaptureState()
    } then: { _ in
    }
  }

  private func fail(_ fault: HALError.Fault) {
    shut()
    openLater()
    tell(fault == .gone ? node.gone : fault)
  }

  private func openLater() {
    cancelTimer()
    timer = loop.schedule(after: backoff.next()) { [weak self] in
      self?.timer = nil
      self?.open()
    }
  }

  // MARK: Frames

  /// Waits for the next picture. The watch is added again for each picture, and removed while one is read.
  ///
  /// v4l2loopback's poll joins its wait queue only when no picture is ready, so a watch that was added while one was
  /// ready never fires for the next.
  /// - Returns: false when that failed and the camera is being opened again.
  private func arm() -> Bool {
    guard watch == nil, let descriptor else { return true }
    do throws(SystemError) {
      watch = try loop.watch(descriptor, for: .readable) { [weak self] _ in self?.read() }
      return true
    } catch {
      fail(HALError.Fault(errno: error.errno))
      return false
    }
  }

  private func disarm() {
    if let watch { loop.unwatch(watch) }
    watch = nil
  }

  private func read() {
    disarm()
    let generation = self.generation
    worker.submit { bench in
      Result { () throws(HALError.Fault) in try Self.next(&bench) }
    } then: { [weak self] result in
      guard let self, generation == self.generation else { return }
      switch result {
      case .success(let frame):
        // Arm before delivery: the receiver may stop the camera.
        guard arm(), let frame else { return }
        frames += 1
        onFrame?(.frame(frame))
      case .failure(let fault): fail(fault)
      }
    }
  }

  private static func next(_ bench: inout CaptureState) throws(HALError.Fault) -> Frame? {
    guard let stream = bench.stream, var frame = try stream.next() else { return nil }
    if frame.format.pixels == .mjpeg {
      // A picture that cannot be decoded is delivered all the same, without a thumbnail.
      do throws(HALError.Fault) {
        frame.thumbnail = try JPEGEncoder.ready(&bench.codec).thumbnail(frame.bytes)
      } catch {
        frame.thumbnail = nil
      }
    } else {
      frame.thumbnail = Thumbnail(frame.bytes, frame.format)
    }
    return frame
  }

  /// Restarts the stream when no frame has come for `limit`: some cameras hang without an error.
  private func expectFrames(within limit: Duration) {
    let seen = frames
    timer = loop.schedule(after: limit) { [weak self] in
      guard let self else { return }
      timer = nil
      if frames == seen { fail(.timeout) } else { expectFrames(within: limit) }
    }
  }
}
