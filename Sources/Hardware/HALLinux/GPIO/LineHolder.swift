import EventLoop
import HAL
import Linux
import Model

/// What all lines of a board share.
struct LinePlace {
  var loop: EventLoop
  var nodes: NodeWatch
  /// The folder of device nodes: `/dev`, after a test's root.
  var folder: String
}

/// Keeps a line requested while its chip comes and goes: requests it, detects that the chip has gone, and requests it
/// again when the chip is back.
final class LineHolder<Line: HeldLine> {
  private let device: DeviceID
  private let place: LinePlace
  private let make: (LineOptions, String) throws(LineFailure) -> Line
  private var fallback: LineOptions?
  private var backoff = Backoff(first: .milliseconds(100))
  private var retry: TimerID?
  private var watch: WatchID?
  private var subscription: UInt64?

  /// The options of the next request.
  private(set) var options: LineOptions
  /// The requested line; nil while its chip is absent.
  private(set) var request: Line?
  /// Why the line is absent, for people; nil while it is requested.
  private(set) var absence: String?

  /// Called when the descriptor is readable.
  var onReadable: () -> Void = {}
  /// Called when the line has gone, after `request` became nil.
  var onGone: () -> Void = {}
  /// Called when the line has been requested again.
  var onBack: () -> Void = {}

  /// Requests the line.
  /// - Parameters:
  ///   - fallback: options to try when the kernel does not support the first ones.
  ///   - make: finds and requests the line; its second argument is the consumer name.
  /// - Throws: when the options cannot work, or the line is in use. An absent chip is no error.
  init(
    _ device: DeviceID, _ options: LineOptions, at place: LinePlace, fallback: LineOptions? = nil,
    make: @escaping (LineOptions, String) throws(LineFailure) -> Line
  ) throws(HALError) {
    self.make = make
    self.device = device
    self.options = options
    self.fallback = fallback
    self.place = place
    do throws(LineFailure) {
      try open()
    } catch {
      switch error {
      case .absent(let why): absence = why
      case .impossible(let why): throw .invalid(device, why)
      case .failed(let fault): throw .failed(device, operation: "request the line of", fault)
      }
    }
    subscription = place.nodes.add("gpiochip") { [weak self] path, change in self?.nodeChanged(path, change) }
    if request == nil { retryLater() }
  }

  /// Releases the line and stops looking for it.
  func close() {
    drop()
    if let subscription { place.nodes.remove(subscription) }
    subscription = nil
    if let retry { place.loop.cancel(retry) }
    retry = nil
  }

  /// Notes a fault of the line: if its chip has gone, drops the request and retries.
  func note(_ fault: HALError.Fault) {
    if fault == .gone { lose("its chip has gone") }
  }

  /// Whether to wait for edges; otherwise only for the chip's removal.
  var isWatching = false {
    didSet {
      guard let watch else { return }
      // Fails only for a descriptor that is not watched.
      try? place.loop.change(watch, to: isWatching ? .readable : [])
    }
  }

  private func open() throws(LineFailure) {
    do throws(LineFailure) {
      try requestLine()
    } catch {
      // EINVAL, EOPNOTSUPP and the like: this kernel or chip does not support the options.
      guard case .failed(.system) = error, let fallback else { throw error }
      options = fallback
      self.fallback = nil
      try requestLine()
    }
  }

  private func requestLine() throws(LineFailure) {
    let request = try make(options, "openstarry/\(device)")
    do throws(SystemError) {
      watch = try place.loop.watch(request.descriptor, for: isWatching ? .readable : []) { [weak self] ready in
        // gpiolib-cdev.c: a line whose chip has gone polls as hung up.
        if ready.contains(.hangUp) || ready.contains(.error) {
          self?.lose("its chip has gone")
        } else {
          self?.onReadable()
        }
      }
    } catch {
      throw .failed(HALError.Fault(errno: error.errno))
    }
    self.request = request
    absence = nil
    backoff.reset()
  }

  private func drop() {
    if let watch { place.loop.unwatch(watch) }
    watch = nil
    request = nil
  }

  private func lose(_ why: String) {
    guard request != nil else { return }
    drop()
    absence = why
    retryLater()
    onGone()
  }

  private func nodeChanged(_ path: String, _ change: NodeWatch.Change) {
    switch change {
    case .vanished: if path == request?.path { lose("\(path) has gone") }
    case .appeared:
      guard request == nil else { return }
      backoff.reset()
      tryAgain()
    }
  }

  private func retryLater() {
    if let retry { place.loop.cancel(retry) }
    retry = place.loop.schedule(after: backoff.next()) { [weak self] in self?.tryAgain() }
  }

  private func tryAgain() {
    guard request == nil, subscription != nil else { return }
    do throws(LineFailure) {
      try open()
    } catch {
      switch error {
      case .absent(let why), .impossible(let why): absence = why
      case .failed(let fault): absence = fault.description
      }
      return retryLater()
    }
    if let retry { place.loop.cancel(retry) }
    retry = nil
    onBack()
  }
}
