import CGPIOD
import CLinux
import Model

/// The configuration of a line, independent of libgpiod.
struct LineOptions: Sendable, Hashable {
  /// The chip's label or name.
  var chip: String
  /// A part of the chip's path under `/sys/devices`, if several chips have that label; else nil.
  var path: String?
  /// The line's name or offset.
  var line: String
  /// Whether the line is active at a low level.
  var activeLow = false
  var bias = Bias.asIs
  var use: Use

  enum Bias: Sendable { case asIs, disabled, pullUp, pullDown }
  enum Drive: Sendable { case pushPull, openDrain, openSource }

  enum Use: Sendable, Hashable {
    /// Watched for both edges; `debounce` is the kernel's period, zero for none.
    ///
    /// The gate selects the edges that become events, because the level, emergency stops and conditions need both. The
    /// cost is one more wake-up per pulse when only one edge is wanted.
    case input(debounce: Duration)
    /// Driven, with the level `initial` from the request on.
    case output(Drive, initial: Bool)
  }
}

/// The only owner of libgpiod's settings for a line (gpiod.h, `struct gpiod_line_settings`).
///
/// SAFETY: `pointer` is valid from init to deinit and is lent to libgpiod's calls only.
@safe struct LineSettings: ~Copyable {
  private let pointer: OpaquePointer

  /// Translates `options`; nil when there is no memory.
  init?(_ options: LineOptions) {
    guard let pointer = unsafe gpiod_line_settings_new() else { return nil }
    unsafe self.pointer = pointer
    // SAFETY: the setters only store their arguments; every constant is defined by gpiod.h.
    unsafe gpiod_line_settings_set_active_low(pointer, options.activeLow)
    let bias =
      switch options.bias {
      case .asIs: GPIOD_LINE_BIAS_AS_IS
      case .disabled: GPIOD_LINE_BIAS_DISABLED
      case .pullUp: GPIOD_LINE_BIAS_PULL_UP
      case .pullDown: GPIOD_LINE_BIAS_PULL_DOWN
      }
    unsafe gpiod_line_settings_set_bias(pointer, bias)
    switch options.use {
    case .input(let debounce):
      unsafe gpiod_line_settings_set_direction(pointer, GPIOD_LINE_DIRECTION_INPUT)
      unsafe gpiod_line_settings_set_edge_detection(pointer, GPIOD_LINE_EDGE_BOTH)
      unsafe gpiod_line_settings_set_event_clock(pointer, GPIOD_LINE_CLOCK_MONOTONIC)
      // The kernel's period has 32 bits.
      let period = UInt32(clamping: debounce.nanoseconds / 1000)
      unsafe gpiod_line_settings_set_debounce_period_us(pointer, UInt(period))
    case .output(let drive, let initial):
      let how =
        switch drive {
        case .pushPull: GPIOD_LINE_DRIVE_PUSH_PULL
        case .openDrain: GPIOD_LINE_DRIVE_OPEN_DRAIN
        case .openSource: GPIOD_LINE_DRIVE_OPEN_SOURCE
        }
      unsafe gpiod_line_settings_set_direction(pointer, GPIOD_LINE_DIRECTION_OUTPUT)
      unsafe gpiod_line_settings_set_drive(pointer, how)
      unsafe gpiod_line_settings_set_output_value(
        pointer, initial ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE)
    }
  }

  deinit { unsafe gpiod_line_settings_free(pointer) }

  /// Calls `body` with a configuration of one line with these settings.
  /// - Returns: the result of `body`; nil when there is no memory.
  borrowing func withConfiguration<Result>(of offset: UInt32, _ body: (OpaquePointer) -> Result?) -> Result? {
    // SAFETY: the configuration is ours and freed below.
    guard let configuration = unsafe gpiod_line_config_new() else { return nil }
    defer { unsafe gpiod_line_config_free(configuration) }
    var offset = offset
    // SAFETY: one offset is passed; libgpiod copies it and the settings.
    guard unsafe gpiod_line_config_add_line_settings(configuration, &offset, 1, pointer) == 0 else { return nil }
    return unsafe body(configuration)
  }
}
