//! The market API as a development server.
