import Model

/// One camera behind the gate. It streams only for watchers, for callers that wait for a picture, or to detect motion.
final class CameraChannel {
  /// How the camera streams; a higher mode also serves the lower ones.
  private enum Mode: Int, Comparable {
    case off
    /// Small grey pictures, enough to detect motion.
    case motion
    /// The board file's format.
    case full

    static func < (left: Mode, right: Mode) -> Bool { left.rawValue < right.rawValue }
  }

  /// How long it keeps streaming after the last user has left, because starting a camera is slow.
  static let linger = Duration.seconds(1)
  /// How long a caller waits for a picture at most.
  static let patience = Duration.seconds(5)
  /// The maximum age of a picture that `latestJPEG` or `latestThumbnail` returns.
  static let freshness = Duration.seconds(5)

  let device: Device
  let settings: CameraSettings
  let health: Health
  private(set) var driver: (any CameraDriver)?
  private(set) var isPresent = true
  /// Frames seen since the start.
  private(set) var frames: UInt64 = 0

  private let clock: any Timekeeper
  private let events: any EventSink
  private let retry: Retry
  private var mode = Mode.off
  private var isStreaming = false
  private var lingerTimer: TimerID?
  private var watchers: [UInt64: CameraWatcher] = [:]

  private var waiting: [(Result<[UInt8], HALError>) -> Void] = []
  private var encoding: [(Result<[UInt8], HALError>) -> Void] = []
  private var patienceTimer: TimerID?
  private var newest: (jpeg: [UInt8], at: Instant)?
  private var isAskedFor = false

  /// The newest grey picture, kept from the first request on.
  private var newestGrey: (picture: Thumbnail, at: Instant)?
  private var keepsGrey = false
  /// The deadline of a request for a grey picture; nil when none is pending.
  private var greyTimer: TimerID?

  private var detector: MotionDetector?
  private var lastMotion: Instant?

  init(_ device: Device, _ settings: CameraSettings, _ clock: any Timekeeper, _ events: any EventSink) {
    self.device = device
    self.settings = settings
    self.clock = clock
    self.events = events
    health = Health(device.id, events)
    retry = Retry(clock)
    detector = settings.motion.map { MotionDetector(threshold: $0.threshold) }
  }

  var watcherCount: Int { watchers.count }
  var state: String {
    if driver == nil { return "not open" }
    if !isPresent { return "gone" }
    switch mode {
    case .off: return health.error == nil ? "idle" : "failing"
    case .motion: return "looking for motion"
    case .full: return "streaming"
    }
  }

  func attach(_ driver: any CameraDriver) {
    self.driver = driver
    driver.watch { [weak self] in self?.took($0) }
    settle()
  }

  func stop() {
    watchers = [:]
    detector = nil
    stopWaitingForGrey()
    answer(.failure(.unavailable(device.id, "the hardware layer is closing")))
    switchTo(.off)
    if let lingerTimer { clock.cancel(lingerTimer) }
    lingerTimer = nil
    driver = nil
  }

  // MARK: Watching

  func watch(_ number: UInt64, _ watcher: CameraWatcher) throws(HALError) {
    guard driver != nil else { throw notOpen }
    watchers[number] = watcher
    settle()
  }

  func unwatch(_ number: UInt64) {
    guard watchers.removeValue(forKey: number) != nil else { return }
    settle()
  }

  func watcher(_ number: UInt64) -> CameraWatcher? { watchers[number] }

  func unwatch(holder: String) {
    for (number, watcher) in watchers where watcher.holder == holder { unwatch(number) }
  }

  private var gone: HALError { health.error ?? .failed(device.id, operation: "reach", .gone) }

  private var notOpen: HALError { health.error ?? .notOpen(device.id) }

  // MARK: Pictures

  /// Gives the next frame as JPEG; callers that wait at the same time share it.
  func snapshot(_ done: @escaping (Result<[UInt8], HALError>) -> Void) {
    guard driver != nil else { return done(.failure(notOpen)) }
    guard isPresent else { return done(.failure(gone)) }
    waiting.append(done)
    if patienceTimer == nil {
      patienceTimer = clock.schedule(after: Self.patience) { [weak self] in
        guard let self else { return }
        patienceTimer = nil
        answer(.failure(.failed(device.id, operation: "snapshot", .timeout)))
        settle()
      }
    }
    settle()
  }

  /// The newest picture if it is fresh; otherwise requests one, and `camera:snapshot` follows.
  func latestJPEG() throws(HALError) -> [UInt8] {
    if let newest, clock.now - newest.at <= Self.freshness { return newest.jpeg }
    newest = nil
    guard driver != nil else { throw notOpen }
    guard isPresent else { throw gone }
    if !isAskedFor {
      isAskedFor = true
      snapshot { [weak self] result in
        guard let self else { return }
        isAskedFor = false
        guard case .success(let jpeg) = result else { return }
        events.publish(CameraEvents.snapshot(device.id, bytes: jpeg.count), from: device.id.rawValue)
      }
    }
    throw .unavailable(device.id, "a picture has been requested; camera:snapshot will be published when it is ready")
  }

  /// The newest grey picture if it is fresh; otherwise requests one, and `camera:frame` follows.
  func latestThumbnail() throws(HALError) -> Thumbnail {
    if let newestGrey, clock.now - newestGrey.at <= Self.freshness { return newestGrey.picture }
    newestGrey = nil
    guard driver != nil else { throw notOpen }
    guard isPresent else { throw gone }
    keepsGrey = true
    if greyTimer == nil {
      greyTimer = clock.schedule(after: Self.patience) { [weak self] in
        guard let self else { return }
        greyTimer = nil
        health.fail(.timeout, operation: "frame")
        settle()
      }
      settle()
    }
    throw .unavailable(device.id, "a picture has been requested; camera:frame will be published when it is ready")
  }

  private func keep(_ picture: Thumbnail, at time: Instant) {
    newestGrey = (picture, time)
    guard greyTimer != nil else { return }
    stopWaitingForGrey()
    events.publish(
      CameraEvents.frame(device.id, width: picture.width, height: picture.height), from: device.id.rawValue)
    settle()
  }

  private func stopWaitingForGrey() {
    if let greyTimer { clock.cancel(greyTimer) }
    greyTimer = nil
  }

  private func encode(_ frame: Frame) {
    guard let driver, !waiting.isEmpty, encoding.isEmpty else { return }
    encoding = waiting
    waiting = []
    driver.encodeJPEG(frame) { [weak self] result in
      guard let self, !encoding.isEmpty else { return }
      let callers = encoding
      encoding = []
      if waiting.isEmpty { stopWaiting() }
      switch result {
      case .success(let jpeg):
        newest = (jpeg, frame.time)
        for caller in callers { caller(.success(jpeg)) }
      case .failure(let fault):
        health.fail(fault, operation: "snapshot")
        for caller in callers { caller(.failure(.failed(device.id, operation: "snapshot", fault))) }
      }
      settle()
    }
  }

  private func answer(_ result: Result<[UInt8], HALError>) {
    let callers = encoding + waiting
    (encoding, waiting) = ([], [])
    stopWaiting()
    for caller in callers { caller(result) }
  }

  private func stopWaiting() {
    if let patienceTimer { clock.cancel(patienceTimer) }
    patienceTimer = nil
  }

  // MARK: Running

  private var wanted: Mode {
    if !watchers.isEmpty || !waiting.isEmpty || !encoding.isEmpty { return .full }
    return detector == nil && greyTimer == nil ? .off : .motion
  }

  /// Switches to a higher mode at once, to a lower one only after `linger`.
  private func settle() {
    guard driver != nil else { return }
    let wanted = self.wanted
    if wanted >= mode {
      if let lingerTimer { clock.cancel(lingerTimer) }
      lingerTimer = nil
      if wanted > mode { switchTo(wanted) }
    } else if lingerTimer == nil {
      lingerTimer = clock.schedule(after: Self.linger) { [weak self] in
        guard let self else { return }
        lingerTimer = nil
        if self.wanted < mode { switchTo(self.wanted) }
      }
    }
  }

  private func switchTo(_ mode: Mode) {
    if isStreaming { driver?.stop() }
    isStreaming = false
    retry.reset()
    self.mode = mode
    start()
  }

  private func start() {
    guard mode != .off, let driver else { return }
    detector?.relearn()
    do throws(HALError.Fault) {
      try driver.start(format(for: mode)) { [weak self] in self?.took($0) }
      isStreaming = true
    } catch {
      health.fail(error, operation: "start")
      answer(.failure(.failed(device.id, operation: "start", error)))
      retry.later { [weak self] in self?.start() }
      settle()
    }
  }

  private func format(for mode: Mode) -> FrameFormat {
    var format = settings.format
    guard mode == .motion else { return format }
    let width = min(160, format.width)
    format.height = max(1, format.height * width / max(1, format.width))
    format.width = width
    format.pixels = .grey
    format.rate = min(5, format.rate)
    return format
  }

  private func took(_ output: CameraOutput) {
    switch output {
    case .frame(let frame):
      frames += 1
      retry.reset()
      health.recover()
      look(at: frame)
      for number in Array(watchers.keys) { watchers[number]?.offer(frame) }
      if mode == .full { encode(frame) }
    case .gone(let why):
      guard isPresent else { return }
      isPresent = false
      health.lose(why)
      stopWaitingForGrey()
      answer(.failure(gone))
      settle()
    case .back:
      guard !isPresent else { return health.recover() }
      isPresent = true
      detector?.relearn()
      health.regain()
    case .failed(let fault): health.fail(fault, operation: "stream")
    }
  }

  private func look(at frame: Frame) {
    guard let picture = frame.thumbnail else { return }
    if keepsGrey { keep(picture, at: frame.time) }
    guard let motion = detector?.feed(picture), let settings = settings.motion else { return }
    if let lastMotion, frame.time - lastMotion < settings.cooldown { return }
    lastMotion = frame.time
    events.publish(
      CameraEvents.motion(device.id, fraction: motion.fraction, x: motion.x, y: motion.y), from: device.id.rawValue)
  }
}
