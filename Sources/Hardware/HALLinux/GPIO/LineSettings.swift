import CGPIOD
import CLinux
import Model

/// How a line is requested, in our own words.
struct LineOptions: Sendable, Hashable {
  /// Where it is: the chip's label or name, and the line's name or offset.
  var chip: String
  /// Which one, where several chips have that label: a part of its path under `/sys/devices`.
  var path: String?
  var line: String
  /// Whether a low level means active.
  var activeLow = false
  var bias = Bias.asIs
  var use: Use

  enum Bias: Sendable { case asIs, disabled, pullUp, pullDown }
  enum Drive: Sendable { case pushPull, openDrain, openSource }

  enum Use: Sendable, Hashable {
    /// Watched for both edges; `debounce` in the kernel, zero for none.
    ///
    /// Which edges become events is the gate's business: the level, a stop and a condition follow both. What it costs is
    /// one wake-up more for each pulse where only one of its edges is wanted.
    case input(debounce: Duration)
    /// Driven, from the moment of the request at `initial`.
    case output(Drive, initial: Bool)
  }
}

/// The only owner of libgpiod's settings for a line (gpiod.h, `struct gpiod_line_settings`).
///
/// SAFETY: `pointer` is valid from init to deinit and is lent to libgpiod's calls only.
@safe struct LineSettings: ~Copyable {
  private let pointer: OpaquePointer

  /// Translates `options`; nil when memory is short.
  init?(_ options: LineOptions) {
    guard let pointer = unsafe gpiod_line_settings_new() else { return nil }
    unsafe self.pointer = pointer
    // SAFETY: the setters only store what they are given; every constant is one that gpiod.h defines.
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
      // The kernel counts in 32 bits.
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

  /// Lends a line configuration with these settings for one line; nil when `body` says so or memory is short.
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
