"""What people read: pages in Japanese and English, made from a document and its plan.

Pure but for package data: templates and catalogues are read as modules are. It may import the
policy, and must not know who asks for a page or where it goes.
"""
