import CGPIOD

/// The kernel's public state of a GPIO line (linux/gpio.h, `struct gpio_v2_line_info`).
package struct LineView {
  /// The consumer of the line; nil for none.
  package var holder: String?
  package var isOutput: Bool
  package var isActiveLow: Bool
  /// `pull-up`, `pull-down`, `disabled`, or `unknown` if none is set.
  package var bias: String
  /// `push-pull`, `open-drain`, `open-source`.
  package var drive: String
  /// `none`, `rising`, `falling`, `both`.
  package var edges: String
  /// The debounce time in microseconds; 0 for none.
  package var debounce: UInt

  /// Reads the state of a line.
  /// - Parameter chip: the kernel's name, e.g. `gpiochip0`.
  package init(chip: String, line: String) throws {
    guard let pointer = unsafe "/dev/\(chip)".withCString({ unsafe gpiod_chip_open($0) }) else {
      throw Failure("/dev/\(chip) cannot be opened")
    }
    // SAFETY: chip and information are freed at the end of the scope; their texts are copied before.
    defer { unsafe gpiod_chip_close(pointer) }
    let offset = unsafe line.withCString { unsafe gpiod_chip_get_line_offset_from_name(pointer, $0) }
    guard offset >= 0, let info = unsafe gpiod_chip_get_line_info(pointer, UInt32(offset)) else {
      throw Failure("\(chip) has no line '\(line)'")
    }
    defer { unsafe gpiod_line_info_free(info) }
    holder = unsafe gpiod_line_info_get_consumer(info).map { unsafe String(cString: $0) }
    isOutput = unsafe gpiod_line_info_get_direction(info) == GPIOD_LINE_DIRECTION_OUTPUT
    isActiveLow = unsafe gpiod_line_info_is_active_low(info)
    bias =
      switch unsafe gpiod_line_info_get_bias(info) {
      case GPIOD_LINE_BIAS_PULL_UP: "pull-up"
      case GPIOD_LINE_BIAS_PULL_DOWN: "pull-down"
      case GPIOD_LINE_BIAS_DISABLED: "disabled"
      default: "unknown"
      }
    drive =
      switch unsafe gpiod_line_info_get_drive(info) {
      case GPIOD_LINE_DRIVE_OPEN_DRAIN: "open-drain"
      case GPIOD_LINE_DRIVE_OPEN_SOURCE: "open-source"
      default: "push-pull"
      }
    edges =
      switch unsafe gpiod_line_info_get_edge_detection(info) {
      case GPIOD_LINE_EDGE_RISING: "rising"
      case GPIOD_LINE_EDGE_FALLING: "falling"
      case GPIOD_LINE_EDGE_BOTH: "both"
      default: "none"
      }
    debounce = unsafe gpiod_line_info_get_debounce_period_us(info)
  }
}
