import EventLoop
import HAL
import Linux
import Model

/// Where lines come from, shared by all of a board.
struct LinePlace {
  var loop: EventLoop
  var nodes: NodeWatch
  /// Where device nodes are, `/dev` behind the prefix.
  var folder: String
}

/// Holds a line through the life of its chip: requests it, notices when the chip goes, and requests it again when it
/// comes back.
final class LineHolder<Line: HeldLine> {
  private let device: DeviceID
  private let place: LinePlace
  private let make: (LineOptions, String) throws(LineFailure) -> Line
  private var fallback: LineOptions?
  private var backoff = Backoff(first: .milliseconds(100))
  private var retry: TimerID?
  private var watch: WatchID?
  private var subscription: UInt64?

  /// How the line is requested the next time.
  private(set) var options: LineOptions
  /// The line while it is there.
  private(set) var request: Line?
  /// Why it is not there, for people; nil while it is.
  private(set) var absence: String?

  /// Called when the descriptor is readable.
  var onReadable: () -> Void = {}
  /// Called when the line has gone, after `request` became nil.
  var onGone: () -> Void = {}
  /// Called when the line is there again.
  var onBack: () -> Void = {}

  /// Requests the line.
  /// - Parameters:
  ///   - fallback: other options to try when the kernel does not support the first ones.
  ///   - make: finds and requests it, under the name that others shall see.
  /// - Throws: when it never can be had, or somebody else holds it. A chip that is missing is not an error.
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

  /// Takes note of a fault of the line: a line whose chip has gone is let go and looked for.
  func note(_ fault: HALError.Fault) {
    if fault == .gone { lose("its chip has gone") }
  }

  /// Whether edges are waited for; otherwise only the chip's end is.
  var isWatching = false {
    didSet {
      guard let watch else { return }
      // Fails only for a descriptor that is not watched.
      try? place.loop.change(watch, to: isWatching ? .readable : [])
    }
  }

  private func open() throws(LineFailure) {
    do throws(LineFailure) {
      try openAsAsked()
    } catch {
      // EINVAL, EOPNOTSUPP and the like: this kernel or chip cannot do it so.
      guard case .failed(.system) = error, let fallback else { throw error }
      options = fallback
      self.fallback = nil
      try openAsAsked()
    }
  }

  private func openAsAsked() throws(LineFailure) {
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
