// Values that hold what people enter, or what a server says of them, and so do not show it: not in a description, and not
// to `dump`.

extension NewOrder: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What is ordered, and not by whom.
    public var description: String {
        items.map { "NewOrder(\($0.count) items)" } ?? "NewOrder(the cart)"
    }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension RawRequest: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The method and the path.
    public var description: String { "RawRequest(\(method) \(path))" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension RawResponse: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The status and the size.
    public var description: String { "RawResponse(\(status), \(body.utf8.count) bytes)" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// Nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
