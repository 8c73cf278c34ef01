import HAL
import Model

/// A GPIO line used as an input.
///
/// The kernel debounces it; if it cannot, this driver does.
final class GPIOInput: InputDriver {
  private let place: LinePlace
  private let holder: LineHolder<LineRequest>
  private let period: Duration
  private var sequence = EdgeSequence(after: 0)
  /// The request whose edges `sequence` counts.
  private weak var numbered: LineRequest?
  private var debouncer: Debouncer?
  private var onChange: ((InputChange) -> Void)?

  init(_ device: DeviceID, _ options: LineOptions, _ settings: InputSettings, at place: LinePlace)
    throws(HALError)
  {
    self.place = place
    period = settings.debounce
    var wanted = options
    wanted.use = .input(debounce: settings.debounce)
    var fallback: LineOptions?
    if settings.debounce > .zero {
      fallback = options
      fallback?.use = .input(debounce: .zero)
    }
    holder = try LineHolder(device, wanted, at: place, fallback: fallback) { options, consumer throws(LineFailure) in
      try LineRequest(options, in: place.folder, consumer: consumer)
    }
    holder.onReadable = { [weak self] in self?.readEdges() }
    holder.onGone = { [weak self] in self?.hasGone() }
    holder.onBack = { [weak self] in self?.isBack() }
  }

  var absence: String? { holder.absence }

  var isActive: Bool? {
    if let debouncer { return holder.request == nil ? nil : debouncer.isActive }
    return level()
  }

  func start(_ onChange: @escaping (InputChange) -> Void) throws(HALError.Fault) {
    self.onChange = onChange
    guard holder.request != nil else {
      place.loop.later { [weak self] in
        if let self, holder.request == nil { self.onChange?(.gone(why)) }
      }
      return
    }
    begin()
  }

  func stop() {
    onChange = nil
    holder.isWatching = false
    debouncer?.cancel()
    debouncer = nil
  }

  private var why: String { absence ?? "its chip has gone" }

  /// Releases the line.
  func close() {
    stop()
    holder.close()
  }

  /// Whether the kernel debounces the line; true as well when no debouncing is configured.
  private var kernelDebounces: Bool {
    if case .input(let debounce) = holder.options.use { debounce == period } else { false }
  }

  private func level() -> Bool? {
    guard let request = holder.request else { return nil }
    do throws(HALError.Fault) {
      return try request.isActive()
    } catch {
      holder.note(error)
      return nil
    }
  }

  /// Starts to watch the requested line.
  private func begin() {
    guard let request = holder.request else { return }
    do throws(HALError.Fault) {
      if numbered !== request {
        // Each request numbers its edges from 1, so 0 makes edges dropped at the start a gap too.
        sequence = EdgeSequence(after: 0)
        numbered = request
      }
      if let last = try request.discardEdges() { sequence = EdgeSequence(after: last) }
      let isActive = try request.isActive()
      if !kernelDebounces {
        debouncer = Debouncer(isActive: isActive, period: period, clock: place.loop) { [weak self] in
          self?.level()
        } onChange: { [weak self] in
          self?.onChange?(.edge($0))
        }
      }
      holder.isWatching = true
    } catch {
      holder.note(error)
    }
  }

  private func readEdges() {
    guard let request = holder.request else { return }
    do throws(HALError.Fault) {
      for edge in try request.readEdges() {
        let lost = sequence.gap(before: edge.sequence)
        if lost > 0 { onChange?(.lost(lost)) }
        if let debouncer { debouncer.take(edge) } else { onChange?(.edge(edge)) }
      }
    } catch {
      // A read fails only when the chip has gone. Treat every other error the same, or it would spin the loop.
      holder.note(.gone)
    }
  }

  private func hasGone() {
    debouncer?.cancel()
    debouncer = nil
    onChange?(.gone(why))
  }

  private func isBack() {
    guard let onChange else { return }
    begin()
    guard let isActive else { return }
    onChange(.back(isActive: isActive))
  }
}
