import CLinux
import Glibc
import HAL
import Linux

/// A line as `LineHolder` has it.
protocol HeldLine: AnyObject {
  /// To be watched, never to be closed.
  var descriptor: Int32 { get }
  /// The chip's device node.
  var path: String { get }
}

/// The owner of a requested output line: a descriptor and nothing else, since that is what outlives a daemon (linux/
/// gpio.h, version 2). The line is released when the last copy of the descriptor is closed.
///
/// A released line is the kernel's: most pin controllers leave it as it was, some turn it into an input (on a
/// Raspberry Pi the kernel parameter `pinctrl_bcm2835.persist_gpio_outputs` decides).
final class DrivenLine: HeldLine {
  let path: String
  private let line: Descriptor
  private let options: LineOptions

  var descriptor: Int32 { line.number }

  /// Finds and requests a line.
  /// - Parameters:
  ///   - folder: where device nodes are, `/dev`.
  ///   - consumer: the name others see.
  init(_ options: LineOptions, in folder: String, consumer: String) throws(LineFailure) {
    let request = try LineRequest(options, in: folder, consumer: consumer)
    let copy = openstarry_fcntl(request.descriptor, F_DUPFD_CLOEXEC, 3)
    guard copy >= 0 else { throw .failed(HALError.Fault(errno: errno)) }
    line = Descriptor(owning: copy)
    path = request.path
    self.options = options
  }

  /// Takes over a line that another process has requested in the same way. One that is driven stays as it is; one that
  /// was turned into an input is driven again, at its initial level.
  /// - Parameter descriptor: owned by the line from now on, and closed when it is none.
  /// - Returns: nil when the chip is not there any more.
  init?(adopting descriptor: Int32, _ options: LineOptions, in folder: String) {
    let line = Descriptor(owning: descriptor)
    let level = openstarry_line_get(line.number)
    guard level >= 0, let path = try? GPIOChip.find(options, in: folder).path else { return nil }
    // The kernel sets outputs only (EPERM); setting the level there is changes nothing.
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

  /// Turns it into an input with the same bias; it stays requested.
  func turnIntoInput() throws(HALError.Fault) {
    guard openstarry_line_configure(line.number, options.inputFlags) == 0 else { throw HALError.Fault(errno: errno) }
  }
}

extension LineOptions {
  /// The line as an input with the same bias and without edges, as linux/gpio.h has it (`gpio_v2_line_flag`).
  var inputFlags: UInt64 { UInt64(GPIO_V2_LINE_FLAG_INPUT.rawValue) | sharedFlags }

  /// The line as an output; nothing of the drive for an input.
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

  /// Which line it is and how it is set up, without the level it begins with.
  var identity: String {
    guard case .output(let drive, _) = use else { return "" }
    let place = path.map { " at \($0)" } ?? ""
    return "gpio \(chip)\(place)/\(line) \(drive) \(bias)\(activeLow ? " active-low" : "")"
  }
}
