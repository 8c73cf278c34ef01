import CLinux
import Glibc
import HAL
import Linux

/// A requested line that `LineHolder` manages.
protocol HeldLine: AnyObject {
  /// For watching only; the line closes it.
  var descriptor: Int32 { get }
  /// The chip's device node.
  var path: String { get }
}

/// The owner of a requested output line. It holds only a descriptor (linux/gpio.h, version 2), because that can outlive
/// the daemon. The line is released when the last duplicate of the descriptor is closed.
///
/// Most pin controllers leave a released line as it was, some turn it into an input (on a Raspberry Pi the kernel
/// parameter `pinctrl_bcm2835.persist_gpio_outputs` decides).
final class DrivenLine: HeldLine {
  let path: String
  private let line: Descriptor
  private let options: LineOptions

  var descriptor: Int32 { line.number }

  /// Finds and requests a line.
  /// - Parameters:
  ///   - folder: the folder of device nodes, `/dev`.
  ///   - consumer: the name shown by gpioinfo(1).
  init(_ options: LineOptions, in folder: String, consumer: String) throws(LineFailure) {
    let request = try LineRequest(options, in: folder, consumer: consumer)
    let copy = openstarry_fcntl(request.descriptor, F_DUPFD_CLOEXEC, 3)
    guard copy >= 0 else { throw .failed(HALError.Fault(errno: errno)) }
    line = Descriptor(owning: copy)
    path = request.path
    self.options = options
  }

  /// Takes over a line that another process has requested with the same options. A driven line keeps its level; a line
  /// that was turned into an input is driven again, at its initial level.
  /// - Parameter descriptor: owned by the line from now on; closed when this returns nil.
  /// - Returns: nil when the line cannot be read or driven, or its chip is absent.
  init?(adopting descriptor: Int32, _ options: LineOptions, in folder: String) {
    let line = Descriptor(owning: descriptor)
    let level = openstarry_line_get(line.number)
    guard level >= 0, let path = try? GPIOChip.find(options, in: folder).path else { return nil }
    // Writing the current level changes nothing. It fails (EPERM) on an input.
    if openstarry_line_set(line.number, level == 1) < 0 {
      guard case .output(_, let initial) = options.use,
        openstarry_line_configure_output(line.number, options.outputFlags, initial) == 0
      else { return nil }
    }
    self.line = line
    self.path = path
    self.options = options
  }

  /// Drives the line.
  func set(_ active: Bool) throws(HALError.Fault) {
    guard openstarry_line_set(line.number, active) == 0 else { throw HALError.Fault(errno: errno) }
  }

  /// Turns the line into an input with the same bias. It stays requested.
  func turnIntoInput() throws(HALError.Fault) {
    guard openstarry_line_configure(line.number, options.inputFlags) == 0 else { throw HALError.Fault(errno: errno) }
  }
}

extension LineOptions {
  /// The flags (linux/gpio.h, `gpio_v2_line_flag`) of an input with the same bias and without edge detection.
  var inputFlags: UInt64 { UInt64(GPIO_V2_LINE_FLAG_INPUT.rawValue) | sharedFlags }

  /// The flags of an output; push-pull if the options describe an input.
  var outputFlags: UInt64 {
    let drive: UInt32 =
      switch use {
      case .output(.openDrain, _): GPIO_V2_LINE_FLAG_OPEN_DRAIN.rawValue
      case .output(.openSource, _): GPIO_V2_LINE_FLAG_OPEN_SOURCE.rawValue
      case .output(.pushPull, _), .input: 0
      }
    return UInt64(GPIO_V2_LINE_FLAG_OUTPUT.rawValue | drive) | sharedFlags
  }

  private var sharedFlags: UInt64 {
    var flags: UInt32 = 0
    if activeLow { flags |= GPIO_V2_LINE_FLAG_ACTIVE_LOW.rawValue }
    switch bias {
    case .asIs: break
    case .disabled: flags |= GPIO_V2_LINE_FLAG_BIAS_DISABLED.rawValue
    case .pullUp: flags |= GPIO_V2_LINE_FLAG_BIAS_PULL_UP.rawValue
    case .pullDown: flags |= GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN.rawValue
    }
    return UInt64(flags)
  }

  /// The line and its configuration as text, without the initial level; empty for inputs.
  var identity: String {
    guard case .output(let drive, _) = use else { return "" }
    let place = path.map { " at \($0)" } ?? ""
    return "gpio \(chip)\(place)/\(line) \(drive) \(bias)\(activeLow ? " active-low" : "")"
  }
}
